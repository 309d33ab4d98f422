// SPDX-License-Identifier: Apache-2.0
// Somebody who owns org.bluez on a test's own bus and says exactly what the test tells it to, in the order in which it
// tells it: for what a real bluetoothd does at most once in a blue moon. What it usually does: stand_in.hpp.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adapters/bus/private_bus.hpp"
#include "ble/objects.hpp"

namespace hg::ble::test {

/// Interfaces of an object, and their properties.
using Interfaces = std::map<std::string, Properties>;

class ScriptedBluez {
 public:
  /// Connects; it owns nothing until claim().
  ScriptedBluez(boost::asio::io_context& loop, const std::string& address);

  /// Owns org.bluez from now on, in the place of whoever had it.
  void claim();
  void release();
  /// Leaves the bus, as a crash does.
  void crash();

  /// What GetManagedObjects is answered.
  std::map<std::string, Interfaces> objects;

  /// Each call of anything, in order: "Member /path".
  std::vector<std::string> calls;
  [[nodiscard]] std::size_t count(const std::string& call) const;
  /// Who called last (a unique name), and whether the bus may have started us for it.
  std::string caller;
  bool may_start = false;

  /// How the calls of a member are answered: with this error, or by this, which makes the answer; not at all while it
  /// is in `silent`. All others: with an empty answer, GetManagedObjects with the objects.
  std::map<std::string, std::pair<std::string, std::string>> errors;
  std::map<std::string, std::function<int(sd_bus_message* answer)>> answers;
  std::map<std::string, bool> silent;
  /// Looks into the arguments of each call of a member.
  std::map<std::string, std::function<void(sd_bus_message* call)>> heard;
  /// Answers the last call that was left unanswered, as it would be answered now.
  void answer_now();

  // Signals: to all, or to `to` alone.
  void add(const std::string& path, const Interfaces& interfaces, const std::string& to = "");
  void remove(const std::string& path, const std::vector<std::string>& interfaces);
  void change(const std::string& path, const std::string& interface, const Properties& changed,
              const std::vector<std::string>& gone = {}, const std::string& to = "");
  void notify(const std::string& characteristic, const Bytes& value);
  /// Any signal at all.
  void signal(const std::string& path, const char* interface, const char* member,
              const std::function<int(sd_bus_message*)>& fill, const std::string& to = "");

  [[nodiscard]] bus::Connection& connection() { return *connection_; }

 private:
  static int on_message(sd_bus_message* message, void* self, sd_bus_error* error);
  void answer(sd_bus_message* call);

  std::shared_ptr<bus::Connection> connection_;
  bus::Message unanswered_;
};

/// Appends a{sv}; negative is an errno.
int append_properties(sd_bus_message* message, const Properties& properties);

}  // namespace hg::ble::test
