// SPDX-License-Identifier: Apache-2.0
#include "smp/inbox.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace hg::smp {
namespace asio = boost::asio;

void Inbox::open() {
  packets_.clear();
  is_open_ = true;
}

void Inbox::close(std::string why) {
  packets_.clear();
  is_open_ = false;
  why_ = std::move(why);
  arrived_.cancel();
}

void Inbox::put(Bytes packet) {
  if (packets_.size() == kMost) packets_.pop_front();
  packets_.push_back(std::move(packet));
  arrived_.cancel();
}

asio::awaitable<Result<Bytes>> Inbox::take(SteadyTime deadline) {
  for (;;) {
    if (!packets_.empty()) {
      Bytes packet = std::move(packets_.front());
      packets_.pop_front();
      co_return std::move(packet);
    }
    if (!is_open_) co_return down_error();
    if (std::chrono::steady_clock::now() >= deadline) co_return Error{Errc::timed_out, "no answer"};
    arrived_.expires_at(deadline);
    co_await arrived_.async_wait(asio::as_tuple(asio::use_awaitable));
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  }
}

}  // namespace hg::smp
