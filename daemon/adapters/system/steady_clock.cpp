// SPDX-License-Identifier: Apache-2.0
#include "adapters/system/steady_clock.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hg::system {

Instant SteadyClock::now() const {
  return std::max(floor_, wall_clock());
}

Instant SteadyClock::wall_clock() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

boost::asio::awaitable<Result<void>> SteadyClock::sleep_for(Duration duration) {
  // A century, so that "for ever" does not overflow the timer's nanoseconds.
  constexpr Duration kLongest = std::chrono::hours{24 * 365 * 100};
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, std::min(duration, kLongest));
  boost::system::error_code stopped;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, stopped));
  // Over and cancelled at once: cancelled, or the caller's next co_await would throw.
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (stopped || state.cancelled() != boost::asio::cancellation_type::none) {
    co_return Error{Errc::cancelled, "sleep cancelled"};
  }
  co_return Result<void>{};
}

}  // namespace hg::system
