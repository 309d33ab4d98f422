// SPDX-License-Identifier: Apache-2.0
// The plugin's end of the socket: connects, says Hello, hands requests to the Driver and answers back; when the daemon
// goes away it drops what was asked and connects again, for ever. What the steps do is the Driver's; program.hpp wraps
// all this into a main().
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <map>
#include <memory>

#include "sdk/driver.hpp"
#include "wire/channel.hpp"

namespace hg::plugin {

class Lane;

/// What the plugin says of itself in Hello.
struct Identity {
  std::string transport;           ///< "serial"; must be what the daemon's configuration binds this user to
  std::string software;            ///< "headgate-serial 0.1.0"
  std::uint64_t capabilities = 0;  ///< wire::kCan... bits
};

class Plugin {
 public:
  /// `driver` must outlive the plugin and everything that runs on the executor.
  Plugin(boost::asio::any_io_executor executor, Identity identity, std::filesystem::path socket, Driver& driver,
         Log log);
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  ~Plugin();

  /// Serves until stop(). Cancels nothing on its way out but what was asked.
  boost::asio::awaitable<void> run();
  void stop();

  /// See LinkReport.
  void report_link(std::string_view child, bool up, std::string_view text);

 private:
  struct Enrolled {
    wire::Enroll values;
    std::shared_ptr<Lane> lane;
    std::optional<wire::Link> link;
    bool stale = false;  // known from a connection before, not yet named on this one
  };

  boost::asio::awaitable<Result<void>> connect();
  boost::asio::awaitable<Error> serve();
  Result<void> take(wire::Channel::Arrival arrival);
  void enroll(const wire::Enroll& child);
  void forget(const std::string& child);
  void forget_stale_later();
  void drop_work();

  boost::asio::any_io_executor executor_;
  Identity identity_;
  std::filesystem::path socket_;
  Driver* driver_;
  Log log_;
  std::shared_ptr<wire::Channel> channel_;  // null: not connected
  std::map<std::string, Enrolled> children_;
  boost::asio::steady_timer pause_;
  boost::asio::steady_timer stale_timer_;
  bool stopping_ = false;
};

}  // namespace hg::plugin
