// SPDX-License-Identifier: Apache-2.0
#include "ble/wakeup.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hg::ble {
namespace asio = boost::asio;

asio::awaitable<void> Wakeup::wait(plugin::SteadyTime deadline) {
  asio::steady_timer timer(executor_, deadline);
  const auto place = waiting_.insert(waiting_.end(), &timer);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  waiting_.erase(place);
}

void Wakeup::all() {
  for (asio::steady_timer* const timer : waiting_) timer->cancel();
}

}  // namespace hg::ble
