// SPDX-License-Identifier: Apache-2.0
// Waits for something to happen to a device node: inotify on its directory, and a look every now and then where that is
// not there yet or says nothing. serial_line waits with it for a tty to come back.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>

namespace hg::serial {

class NodeWatch {
 public:
  NodeWatch(const boost::asio::any_io_executor& executor, std::filesystem::path node);

  /// Begins to watch, so that what happens between a look at the node and changed() is not missed.
  void begin();

  /// Returns when the directory changed since begin(), after `longest`, or after close().
  boost::asio::awaitable<void> changed(std::chrono::milliseconds longest);

  void close();

 private:
  std::filesystem::path node_;
  boost::asio::posix::stream_descriptor events_;
  boost::asio::steady_timer timer_;
  bool is_closed_ = false;
};

}  // namespace hg::serial
