// SPDX-License-Identifier: Apache-2.0
// Steady time and pauses for the SMP client, so that tests can run on a time of their own. The link counts its own
// deadlines in the same time. Every class here that waits has one of these.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "sdk/driver.hpp"

namespace hg::smp {

using plugin::SteadyTime;
using Milliseconds = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime now() const = 0;
  /// Returns early when the coroutine is cancelled.
  virtual boost::asio::awaitable<void> sleep_until(SteadyTime time) = 0;
};

/// std::chrono::steady_clock.
class SteadyClock final : public Clock {
 public:
  explicit SteadyClock(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  [[nodiscard]] SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  boost::asio::awaitable<void> sleep_until(SteadyTime time) override;

 private:
  boost::asio::any_io_executor executor_;
};

/// Whether the coroutine that asks has been cancelled. Loops look at it, since nothing throws. Name the result first:
/// g++ 12 miscompiles a co_await inside the condition of an `if` where no local variable stands before it.
boost::asio::awaitable<bool> was_cancelled();

}  // namespace hg::smp
