// SPDX-License-Identifier: Apache-2.0
// One connection to a D-Bus daemon inside Asio: Pump lets sd-bus do its work whenever the socket, a deadline of
// sd-bus's own or somebody's kick() asks for it, and Connection adds calls that a coroutine waits for. What is said on
// the connection is decided by who opens it: adapters/dbus and plugins/ble.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/time.hpp"
#include "bus/message.hpp"

namespace hg::bus {

/// Runs sd_bus_process() when it has something to do. `lost` is called once, with a negative errno, when the bus is
/// gone; every call that was waiting for a reply has got its error by then.
class Pump : public std::enable_shared_from_this<Pump> {
 public:
  using Lost = std::function<void(int)>;

  /// `bus` must outlive the pump or its stop().
  Pump(boost::asio::any_io_executor executor, sd_bus* bus, Lost lost);

  /// To be called after anything was sent outside of a callback of sd-bus, which may have left bytes or a new deadline
  /// behind.
  void kick();

  /// After this sd-bus is not touched any more.
  void stop();

 private:
  void run();
  void rearm();
  void wait_for(boost::asio::posix::descriptor_base::wait_type what, bool& waiting);

  boost::asio::any_io_executor executor_;
  sd_bus* bus_;
  Lost lost_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer deadline_;
  bool reading_ = false;
  bool writing_ = false;
  bool kicked_ = false;
};

/// A call under way: shared by the coroutine that waits and by sd-bus's callback.
struct Awaited;

class Connection {
 public:
  /// Opens "system", "session" or a D-Bus address. `lost` as for Pump.
  static Result<std::shared_ptr<Connection>> open(boost::asio::any_io_executor executor, const std::string& where,
                                                  Pump::Lost lost);

  Connection(boost::asio::any_io_executor executor, BusHandle bus, Pump::Lost lost);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  [[nodiscard]] sd_bus* bus() const { return bus_.get(); }
  void kick() { pump_->kick(); }

  /// Hangs up: every call that waits ends with Errc::cancelled, `lost` is not called.
  void close();

  /// A new call of a method, to be filled and handed to call().
  [[nodiscard]] Result<Message> make_call(const char* name, const char* path, const char* interface,
                                          const char* member) const;

  /// The reply, which may be an error that the other side sent (sd_bus_message_is_method_error); our own Error only
  /// when nothing could be sent or the connection was closed. The Connection must live until it returns.
  boost::asio::awaitable<Result<Message>> call(Message message, Duration timeout);

 private:
  boost::asio::any_io_executor executor_;
  BusHandle bus_;
  std::shared_ptr<Pump> pump_;
  std::set<std::shared_ptr<Awaited>> waiting_;
};

}  // namespace hg::bus
