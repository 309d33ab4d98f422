// SPDX-License-Identifier: Apache-2.0
// Steady time, and pauses that end early when something happens, so that tests run on a time of their own. Every class
// of lwm2m that waits has a Bell, and rings it for what it waits for. Made by coap_driver, or by lwm2m_server itself.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "coap/exchange.hpp"

namespace hg::coap {

/// For one coroutine at a time.
class Bell {
 public:
  virtual ~Bell() = default;
  /// Until that time, until it rings, or until the coroutine is cancelled; at once if it rang since the last wait.
  virtual boost::asio::awaitable<void> wait_until(SteadyTime time) = 0;
  /// Whoever waits goes on in a later turn of the loop, never within this call.
  virtual void ring() = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime now() const = 0;
  [[nodiscard]] virtual std::shared_ptr<Bell> make_bell() = 0;
};

/// std::chrono::steady_clock.
std::shared_ptr<Clock> steady_clock(boost::asio::any_io_executor executor);

/// Whether the coroutine that asks has been cancelled. Name the result before an `if` (g++ 12).
boost::asio::awaitable<bool> was_cancelled();

}  // namespace hg::coap
