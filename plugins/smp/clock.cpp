// SPDX-License-Identifier: Apache-2.0
#include "smp/clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hg::smp {
namespace asio = boost::asio;

asio::awaitable<void> SteadyClock::sleep_until(SteadyTime time) {
  asio::steady_timer timer(executor_, time);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<bool> was_cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace hg::smp
