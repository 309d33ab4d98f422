// SPDX-License-Identifier: Apache-2.0
// Follows bluetoothd on the bus: connects (again and again, with growing pauses), watches who owns org.bluez, and keeps
// a copy of the objects of that one. Messages of others are nothing. It asks for objects only; all else is asked by
// bluez, which owns one.
//
// Everything that changes the copy happens inside sd-bus's callbacks, in the order in which the messages came: what is
// signalled between GetManagedObjects and its answer is in the answer, what comes behind it is applied to it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ble/object_messages.hpp"
#include "ble/objects.hpp"
#include "bus/connection.hpp"
#include "sdk/driver.hpp"

namespace hg::ble {

class Follower : public std::enable_shared_from_this<Follower> {
 public:
  struct Events {
    /// After each batch of changes, from the loop.
    std::function<void()> changed;
    /// At once, inside a callback of sd-bus: bluetoothd has gone, or the bus; the objects are cleared.
    std::function<void()> gone;
    /// The same: a characteristic was notified.
    std::function<void(const std::string& characteristic, ByteView value)> notified;
  };

  /// `where`: "system", or a D-Bus address.
  Follower(const boost::asio::any_io_executor& executor, std::string where, plugin::Log log);
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;
  ~Follower();

  void start(Events events);
  /// Ends everything: calls on connection() end with Errc::cancelled, no event comes any more.
  void close();

  [[nodiscard]] const Objects& objects() const { return objects_; }
  [[nodiscard]] bool is_there() const { return is_there_; }
  /// The unique name of bluetoothd; empty: it does not run.
  [[nodiscard]] const std::string& owner() const { return owner_; }
  /// nullptr: there is no bus at the moment.
  [[nodiscard]] std::shared_ptr<bus::Connection> connection() const { return connection_; }

 private:
  void connect();
  void lose(std::string why);
  void retry(std::function<void(Follower&)> what);
  Result<void> watch();
  Result<void> ask_owner();
  void ask_objects();
  void owner_is(const std::string& owner);
  void leave();
  void take(const Told& told);
  void tell_changed();
  void say(std::string text);

  static int on_owner(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_owner_changed(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_objects(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_signal(sd_bus_message* message, void* self, sd_bus_error* error);

  boost::asio::any_io_executor executor_;
  std::string where_;
  plugin::Log log_;
  Events events_;
  boost::asio::steady_timer retry_;
  std::chrono::milliseconds pause_;

  std::shared_ptr<bus::Connection> connection_;
  std::vector<bus::Slot> watches_;
  bus::Slot asking_;  // GetNameOwner, then GetManagedObjects
  std::string owner_;
  Objects objects_;
  bool is_there_ = false;
  bool is_closed_ = false;
  bool is_telling_ = false;
  std::string said_;
};

}  // namespace hg::ble
