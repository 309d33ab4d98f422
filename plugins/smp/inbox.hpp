// SPDX-License-Identifier: Apache-2.0
// Packets of a child that came and were not read yet, and the waiting for the next one. A link that reads all the time
// puts them in; Link::read takes them out. Serial lines and sockets have one each.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "smp/clock.hpp"

namespace hg::smp {

class Inbox {
 public:
  explicit Inbox(const boost::asio::any_io_executor& executor) : arrived_(executor) {}

  /// The link is up: packets may come. What was left is dropped.
  void open();
  /// The link is down: drops everything, and readers get Errc::unavailable with this text.
  void close(std::string why);
  [[nodiscard]] bool is_open() const { return is_open_; }
  /// What readers and writers get while it is closed.
  [[nodiscard]] Error down_error() const { return Error{Errc::unavailable, "the link is down: " + why_}; }

  void put(Bytes packet);
  /// See Link::read. The inbox must live until it returns.
  boost::asio::awaitable<Result<Bytes>> take(SteadyTime deadline);

 private:
  static constexpr std::size_t kMost = 32;  // packets; older ones are late answers

  boost::asio::steady_timer arrived_;  // take() waits on it
  std::deque<Bytes> packets_;
  bool is_open_ = false;
  std::string why_ = "not opened yet";
};

}  // namespace hg::smp
