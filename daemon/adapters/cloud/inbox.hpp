// SPDX-License-Identifier: Apache-2.0
// What passes from the MQTT library's threads to the loop: messages, bounded in number, and how the connection stands.
// It reads no message. Filled by BrokerSession, emptied by MqttAnnouncements on the loop.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace hg::cloud {

/// Lets one coroutine wait for another place on the same loop.
class Bell {
 public:
  explicit Bell(boost::asio::any_io_executor executor);
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  /// The next wait(), or the one under way, returns.
  void ring();
  /// One at a time. Errc::cancelled.
  [[nodiscard]] boost::asio::awaitable<Result<void>> wait();

 private:
  boost::asio::steady_timer timer_;
  bool has_rung_ = false;
};

class Inbox : public std::enable_shared_from_this<Inbox> {
 public:
  static constexpr std::size_t kMostMessages = 64;

  enum class Link { down, connected, subscribed };
  struct State {
    Link link = Link::down;
    std::string reason;  ///< why it is down; empty: it was never tried or goes on
  };

  explicit Inbox(boost::asio::any_io_executor executor);

  // From any thread.
  /// The oldest is dropped when there are too many.
  void put(std::string message);
  void set_link(State state);

  // On the loop.
  [[nodiscard]] std::optional<std::string> take();
  /// How many were dropped since the last call.
  [[nodiscard]] std::size_t take_dropped();
  [[nodiscard]] State link() const;
  Bell& message_bell() { return message_bell_; }
  Bell& link_bell() { return link_bell_; }

 private:
  void ring_on_loop(Bell Inbox::*bell);

  boost::asio::any_io_executor executor_;
  mutable std::mutex mutex_;  // of the next three
  std::deque<std::string> messages_;
  std::size_t dropped_ = 0;
  State state_;
  Bell message_bell_;
  Bell link_bell_;
};

}  // namespace hg::cloud
