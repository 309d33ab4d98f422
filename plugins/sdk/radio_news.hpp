// SPDX-License-Identifier: Apache-2.0
// How the children's radio links are, on its way to the daemon: at most once in a while for each child, so that a
// driver may report with each packet. It keeps what was reported last, and nothing of how it came to be. Owned by
// plugin, which is told by the driver.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "sdk/driver.hpp"

namespace hg::plugin {

/// Between two Radio frames of one child.
inline constexpr std::chrono::milliseconds kRadioPause{1000};

class RadioNews {
 public:
  /// Sends the frame if there is anybody to send it to.
  using Say = std::function<void(const wire::Radio&)>;

  RadioNews(const boost::asio::any_io_executor& executor, std::chrono::milliseconds pause, Say say);

  /// Says it now, or the last of several when the child's pause is over. What the daemon would not take is cut or left
  /// out: an adapter's name beyond wire::kMaxName bytes, an RSSI that no radio hears.
  void report(wire::Radio radio);
  /// To a daemon that does not know it yet.
  void say_again(const std::string& child);
  void forget(const std::string& child) { last_.erase(child); }
  /// No more is said.
  void stop() { timer_.cancel(); }

 private:
  struct Last {
    wire::Radio radio;
    SteadyTime next{};  // not before
    bool is_untold = true;
  };
  void tell(Last& last);
  void tell_due();
  void tell_later();

  std::chrono::milliseconds pause_;
  Say say_;
  std::map<std::string, Last> last_;  // by child
  boost::asio::steady_timer timer_;
  bool is_waiting_ = false;
};

}  // namespace hg::plugin
