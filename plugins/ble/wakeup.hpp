// SPDX-License-Identifier: Apache-2.0
// Something has changed: all who wait look again. link has one for whoever waits for it to come up.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "sdk/driver.hpp"

namespace hg::ble {

class Wakeup {
 public:
  explicit Wakeup(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// Returns at the next all(), at the deadline, or when the coroutine is cancelled. This must live until then.
  boost::asio::awaitable<void> wait(plugin::SteadyTime deadline);
  void all();

 private:
  boost::asio::any_io_executor executor_;
  std::list<boost::asio::steady_timer*> waiting_;
};

}  // namespace hg::ble
