// SPDX-License-Identifier: Apache-2.0
// What the daemon tells systemd of itself (sd_notify(3)): ready, status, stopping, and the watchdog's ping, which runs
// on the loop so that a loop that hangs is noticed. Does nothing when NOTIFY_SOCKET is not set. Called by app.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "ports/clock.hpp"

namespace hg::system {

class Notify {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  Notify();

  /// Once everything is open; `status` as in status().
  void ready(std::string_view status);
  /// One line for `systemctl status`. Cleaned of control characters.
  void status(std::string_view text);
  /// SIGHUP was taken; ready() follows.
  void reloading();
  void stopping();
  /// Gives a slow start or stop so much more time from now.
  void extend_timeout(Duration by);

  /// How often systemd must hear from us; nothing: it does not ask for that.
  [[nodiscard]] std::optional<Duration> watchdog_interval() const { return watchdog_; }

  /// Pings twice in each interval until cancelled (then: Errc::cancelled). Returns at once when nobody asked for it.
  [[nodiscard]] boost::asio::awaitable<Result<void>> keep_alive(ports::Clock& clock);

 private:
  std::optional<Duration> watchdog_;
};

}  // namespace hg::system
