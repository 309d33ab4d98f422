// SPDX-License-Identifier: Apache-2.0
// Coroutines that wait for a condition on what bluetoothd shows. bluez has one, and tells it of each change.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <list>
#include <memory>

#include "base/error.hpp"
#include "sdk/driver.hpp"

namespace hg::ble {

class Waiters {
 public:
  explicit Waiters(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// Returns once `holds` is true, asked now and at each look(); it is true when this returns. Errc::timed_out,
  /// Errc::cancelled, or the error of end(). The Waiters must live until it returns.
  boost::asio::awaitable<Result<void>> until(std::function<bool()> holds, plugin::SteadyTime deadline);

  /// Something has changed.
  void look();
  /// Ends all who wait at the moment.
  void end(const Error& why);

 private:
  struct Waiter;

  boost::asio::any_io_executor executor_;
  std::list<std::shared_ptr<Waiter>> waiting_;
};

}  // namespace hg::ble
