// SPDX-License-Identifier: Apache-2.0
// Coroutines with an owner: whoever spawns one here can cancel it, and joins all of them before it goes. Used by every
// part of service that runs something beside itself.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>

namespace hg::service {

class Tasks {
 public:
  using Number = std::uint64_t;

  explicit Tasks(boost::asio::any_io_executor executor);

  /// Starts `work` on the next turn of the loop. It must not let exceptions out other than cancellation's.
  Number spawn(boost::asio::awaitable<void> work);

  /// Asks one to stop; nothing if it has ended.
  void cancel(Number number);

  void cancel_all();

  /// Returns when none is left.
  [[nodiscard]] boost::asio::awaitable<void> join();

 private:
  boost::asio::any_io_executor executor_;
  std::map<Number, std::shared_ptr<boost::asio::cancellation_signal>> running_;
  Number last_ = 0;
  boost::asio::steady_timer emptied_;  // never expires; cancelled when the last task has ended
};

}  // namespace hg::service
