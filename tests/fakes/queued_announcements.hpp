// SPDX-License-Identifier: Apache-2.0
// Announcements that a test makes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <string>
#include <utility>

#include "ports/announcements.hpp"

namespace hg::fakes {

class QueuedAnnouncements final : public ports::Announcements {
 public:
  /// On the loop's thread.
  void announce(std::string url) {
    queue_.push_back({std::move(url)});
    if (waiting_ != nullptr) waiting_->cancel();
  }
  void set_connected(bool connected) { connected_ = connected; }

  [[nodiscard]] boost::asio::awaitable<Result<ports::Announcement>> next() override {
    if (queue_.empty()) {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                      boost::asio::steady_timer::time_point::max());
      waiting_ = &timer;
      boost::system::error_code ignored;
      co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
      waiting_ = nullptr;
    }
    if (queue_.empty()) co_return Error{Errc::cancelled, "no longer listening"};
    ports::Announcement first = std::move(queue_.front());
    queue_.pop_front();
    co_return first;
  }

  [[nodiscard]] bool connected() const override { return connected_; }

 private:
  std::deque<ports::Announcement> queue_;
  boost::asio::steady_timer* waiting_ = nullptr;
  bool connected_ = true;
};

}  // namespace hg::fakes
