// SPDX-License-Identifier: Apache-2.0
// A dbus-daemon of a test's own, which dies with the test, and a client of it on the same io_context as the Face.
// Waiting is for events with a deadline of real time; the Face's own time is a VirtualClock.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/dbus/names.hpp"
#include "bus/connection.hpp"

namespace hg::bus::test {

class PrivateBus {
 public:
  /// Starts one on a fresh socket.
  PrivateBus();
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;
  ~PrivateBus();

  [[nodiscard]] const std::string& address() const { return address_; }
  void kill();
  /// Again, at the same address.
  void start();

 private:
  std::string directory_;
  std::string address_;
  pid_t pid_ = -1;
};

/// Runs `loop` until `reached()`; false when that takes more than ten seconds.
bool eventually(boost::asio::io_context& loop, const std::function<bool()>& reached);

/// The answer to a call: the reply, or the name of the error.
struct Answer {
  Message reply;
  std::string error;
  std::string text;
};

/// A signal that came in.
struct Signal {
  std::string path;
  std::string member;
  Message message;
};

class Client {
 public:
  Client(boost::asio::io_context& loop, const std::string& address);

  using Fill = std::function<int(sd_bus_message*)>;
  /// Calls a method of headgate and runs the loop until it is answered.
  Answer call(const std::string& path, const char* interface, const char* member, const Fill& fill = {});
  /// As call(), to whomever, and not waited for: the answer is put into the result when it comes.
  std::shared_ptr<Answer> post(const char* name, const std::string& path, const char* interface, const char* member,
                               const Fill& fill = {});

  /// The property as busctl would print it.
  std::string property(const std::string& path, const char* interface, const char* name);

  /// From now on headgate's signals are kept in `signals`.
  void listen();
  [[nodiscard]] std::size_t count(const std::string& member, const std::string& path_part = "") const;
  std::vector<Signal> signals;

  [[nodiscard]] Connection& connection() { return *connection_; }

 private:
  boost::asio::io_context& loop_;
  std::shared_ptr<Connection> connection_;
};

/// Any message's rest as text, e.g. `{"Id": "a"}`.
std::string to_text(sd_bus_message* message);

}  // namespace hg::bus::test
