// SPDX-License-Identifier: Apache-2.0
// Where the line that an address means is at the moment, and the waiting for that to change: events of udev where it
// runs (a USB device that comes back under another name is found by its properties), inotify on the node's directory
// where it does not (containers, ptys), and a look every now and then in any case. serial_line waits with it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <memory>

#include "serial/line_address.hpp"

struct udev;
struct udev_monitor;

namespace hg::serial {

class Device {
 public:
  Device(const boost::asio::any_io_executor& executor, LineAddress address);

  /// The node to open. Errc::not_found: no line has the properties; Errc::mismatch: several have.
  [[nodiscard]] Result<std::filesystem::path> find() const;

  /// Begins to watch, so that what happens between find() and changed() is not missed.
  void begin();
  /// Returns when something changed since begin(), after `longest`, or after close().
  boost::asio::awaitable<void> changed(std::chrono::milliseconds longest);
  void close();

 private:
  struct Release {
    void operator()(udev* library) const;
    void operator()(udev_monitor* monitor) const;
  };
  void listen_to_udev();
  void watch_directory();
  void drain_udev();

  LineAddress address_;
  std::unique_ptr<udev, Release> udev_;
  std::unique_ptr<udev_monitor, Release> monitor_;     // null: no udev runs
  boost::asio::posix::stream_descriptor udev_events_;  // a duplicate of the monitor's socket
  boost::asio::posix::stream_descriptor node_events_;
  std::shared_ptr<boost::asio::steady_timer> timer_;  // shared with handlers that may come after the end
  bool is_closed_ = false;
};

}  // namespace hg::serial
