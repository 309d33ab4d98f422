// SPDX-License-Identifier: Apache-2.0
// The plugin's end of the socket: connects, says Hello, hands requests to the Driver and answers back; when the daemon
// goes away it drops what was asked and connects again, for ever. What the steps do is the Driver's; program.hpp wraps
// all this into a main().
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "sdk/driver.hpp"
#include "sdk/radio_news.hpp"
#include "wire/channel.hpp"

namespace hg::plugin {

class Lane;

/// How long a step that is given up may take to leave its child well: to let it out of recovery, to put a line in
/// order.
inline constexpr std::chrono::milliseconds kLeaveWithin{5000};
/// After Welcome: children, and keys of them, that the daemon has not said again by then are forgotten.
inline constexpr std::chrono::milliseconds kEnrollWithin{10000};

/// What the plugin says of itself in Hello.
struct Identity {
  std::string transport;           ///< "serial"; must be what the daemon's configuration binds this user to
  std::string software;            ///< "headgate-serial 0.1.0"
  std::uint64_t capabilities = 0;  ///< wire::kCan... bits
};

class Plugin {
 public:
  /// `driver` must outlive the plugin and everything that runs on the executor, the plugin run().
  Plugin(boost::asio::any_io_executor executor, Identity identity, std::filesystem::path socket, Driver& driver,
         Log log, std::chrono::milliseconds leave_within = kLeaveWithin,
         std::chrono::milliseconds enroll_within = kEnrollWithin, std::chrono::milliseconds radio_pause = kRadioPause);
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  ~Plugin();

  /// Locks memory for keys, if the plugin holds any; where it may not, it says so and goes on. Serves until stop(), and
  /// then ends when no step runs any more, `leave_within` later at the latest.
  boost::asio::awaitable<void> run();
  /// Leaves the daemon at once and gives up every step.
  void stop();

  /// See LinkReport.
  void report_link(const wire::Link& link);
  /// See MeetingReport.
  void report_meeting(Meeting meeting);
  /// See RadioReport.
  void report_radio(const wire::Radio& radio);

 private:
  struct Enrolled {
    wire::Enroll values;
    std::shared_ptr<Lane> lane;
    std::optional<wire::Link> link;
    wire::LinkKey key{};        // as the daemon said last, and the driver knows unless is_new
    bool stale = false;         // known from a connection before, not yet named on this one
    bool key_is_stale = false;  // the same of its key
    bool is_new = true;         // the driver has not heard of it
    bool is_gone = false;       // forgotten, but its last step has not ended yet
  };

  boost::asio::awaitable<Result<void>> connect();
  boost::asio::awaitable<Error> serve();
  Result<void> take(wire::Channel::Arrival arrival);
  void enroll(const wire::Enroll& child);
  void forget(const std::string& child);
  void hold(const wire::LinkKey& key);
  void pass_on_key(const Enrolled& enrolled);
  void forget_stale_later();
  void forget_stale();
  void pass_on_later(Enrolled& enrolled);
  void pass_on(const std::string& child);
  void say_strangers();
  void say_radio(const wire::Radio& radio);
  [[nodiscard]] std::vector<std::shared_ptr<Lane>> lanes() const;
  void drop_work();

  boost::asio::any_io_executor executor_;
  Identity identity_;
  std::filesystem::path socket_;
  Driver* driver_;
  Log log_;
  std::chrono::milliseconds leave_within_;
  std::chrono::milliseconds enroll_within_;
  std::shared_ptr<wire::Channel> channel_;  // null: not connected
  std::map<std::string, Enrolled> children_;
  std::map<std::string, wire::Discovered> strangers_;  // in sight; some may be enrolled
  RadioNews radio_;
  boost::asio::steady_timer pause_;
  boost::asio::steady_timer stale_timer_;
  bool stopping_ = false;
};

}  // namespace hg::plugin
