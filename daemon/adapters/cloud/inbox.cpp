// SPDX-License-Identifier: Apache-2.0
#include "adapters/cloud/inbox.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace hg::cloud {

Bell::Bell(boost::asio::any_io_executor executor)
    : timer_(std::move(executor), boost::asio::steady_timer::time_point::max()) {}

void Bell::ring() {
  has_rung_ = true;
  timer_.cancel();
}

boost::asio::awaitable<Result<void>> Bell::wait() {
  boost::system::error_code ignored;
  if (!has_rung_) co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  // Cancelled and rung at once: cancelled. The ring is for the next who waits.
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (!has_rung_ || state.cancelled() != boost::asio::cancellation_type::none) {
    co_return Error{Errc::cancelled, "wait cancelled"};
  }
  has_rung_ = false;
  co_return Result<void>{};
}

Inbox::Inbox(boost::asio::any_io_executor executor)
    : executor_(executor), message_bell_(executor), link_bell_(std::move(executor)) {}

void Inbox::ring_on_loop(Bell Inbox::*bell) {
  auto ring = [weak = weak_from_this(), bell] {
    if (const auto self = weak.lock()) (self.get()->*bell).ring();
  };
  boost::asio::post(executor_, std::move(ring));
}

void Inbox::put(std::string message) {
  bool was_empty = false;
  {
    const std::scoped_lock lock(mutex_);
    was_empty = messages_.empty();
    if (messages_.size() == kMostMessages) {
      messages_.pop_front();
      ++dropped_;
    }
    messages_.push_back(std::move(message));
  }
  if (was_empty) ring_on_loop(&Inbox::message_bell_);  // one for a burst: the loop's queue stays bounded, too
}

void Inbox::set_link(State state) {
  {
    const std::scoped_lock lock(mutex_);
    state_ = std::move(state);
  }
  ring_on_loop(&Inbox::link_bell_);
}

std::optional<std::string> Inbox::take() {
  const std::scoped_lock lock(mutex_);
  if (messages_.empty()) return std::nullopt;
  std::string first = std::move(messages_.front());
  messages_.pop_front();
  return first;
}

std::size_t Inbox::take_dropped() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(dropped_, 0);
}

Inbox::State Inbox::link() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

}  // namespace hg::cloud
