// SPDX-License-Identifier: Apache-2.0
// bluetoothd as headgate-ble uses it: a copy of its objects that follows its signals, and what it is asked to do. It
// waits for bluetoothd to come (and to come back) by itself, for ever; while it is gone there are no objects and every
// question is answered Errc::unavailable. It decides nothing: radio, link and pairing do.
//
// Every question has a deadline. Its errors are Error with a code that tells the caller's choices apart, and a text
// that names BlueZ's error and what was asked (bluez_error.hpp).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/unique_fd.hpp"
#include "ble/agent.hpp"
#include "ble/follower.hpp"
#include "ble/objects.hpp"
#include "ble/question.hpp"
#include "ble/waiters.hpp"
#include "sdk/driver.hpp"

namespace hg::ble {

using plugin::SteadyTime;

/// One end of AcquireWrite or AcquireNotify: a SOCK_SEQPACKET socket, non-blocking.
struct Acquired {
  UniqueFd socket;
  std::uint16_t mtu = 0;  ///< ATT MTU of the connection
};

/// Which agent a pairing wants: what the gateway can do is said to the child by it.
enum class AgentCapability : std::uint8_t { no_input_no_output, keyboard_only };

class Bluez : public std::enable_shared_from_this<Bluez> {
 public:
  /// `where`: "system", or a D-Bus address. `log` for what people must know of bluetoothd itself.
  Bluez(boost::asio::any_io_executor executor, std::string where, plugin::Log log);
  ~Bluez();

  /// Begins to connect, and to follow bluetoothd; once.
  void start();
  /// Ends everything; questions under way end with Errc::cancelled.
  void close();

  [[nodiscard]] const Objects& objects() const { return follower_->objects(); }
  /// bluetoothd runs, and its objects are all known.
  [[nodiscard]] bool is_there() const { return follower_->is_there(); }

  /// Called on the loop after each batch of changes of objects(), and when bluetoothd came or went. Not while it is
  /// being called.
  using Changed = std::function<void()>;
  void when_changed(Changed listener) { listener_ = std::move(listener); }

  /// Waits until `holds` is true; asked now and after each change. Errc::timed_out, Errc::cancelled; Errc::unavailable:
  /// bluetoothd is gone.
  boost::asio::awaitable<Result<void>> until(std::function<bool()> holds, SteadyTime deadline);

  // -------------------------------------------------------------------------------------------------- adapters
  /// Low energy only, only devices that advertise `uuid`, each advertisement anew (DuplicateData), so that RSSI and
  /// "still there" are told. Counts for us alone: other programs' discovery goes on with filters of theirs. It runs
  /// already: no error. It ends by itself when the adapter is switched off and when bluetoothd goes.
  boost::asio::awaitable<Result<void>> start_discovery(std::string adapter, std::string uuid, SteadyTime deadline);
  boost::asio::awaitable<Result<void>> stop_discovery(std::string adapter, SteadyTime deadline);
  /// Forgets the device, its bond and what bluetoothd remembers of its services. One that is not there: no error.
  boost::asio::awaitable<Result<void>> remove_device(std::string adapter, std::string device, SteadyTime deadline);

  // --------------------------------------------------------------------------------------------------- devices
  /// Returns when it is connected and its services are resolved. It was connected already: the same.
  boost::asio::awaitable<Result<void>> connect(std::string device, SteadyTime deadline);
  /// Returns when it is not connected, and may be connected again. One that is not there: no error.
  boost::asio::awaitable<Result<void>> disconnect(std::string device, SteadyTime deadline);

  struct Paired {
    bool asked_passkey = false;  ///< else nobody was authenticated
  };
  /// Registers the agent, pairs, unregisters it. Never two at once: the second waits for the first, until its deadline.
  /// At the deadline, or when cancelled, the pairing is called off (CancelPairing). Errc::exists: it is bonded already.
  boost::asio::awaitable<Result<Paired>> pair(AgentCapability capability, PairingAnswers answers, SteadyTime deadline);

  // ---------------------------------------------------------------------------------------------------- values
  // Of a connected device. Errc::io half a second after the connection has gone, if there is no answer by then.
  boost::asio::awaitable<Result<Acquired>> acquire_write(std::string characteristic, SteadyTime deadline);
  boost::asio::awaitable<Result<Acquired>> acquire_notify(std::string characteristic, SteadyTime deadline);
  /// Without a response (type "command").
  boost::asio::awaitable<Result<void>> write_value(std::string characteristic, Bytes value, SteadyTime deadline);
  boost::asio::awaitable<Result<Bytes>> read_value(std::string characteristic, SteadyTime deadline);
  /// From then on each notification is given to `arrived`, until stop_notify() or the end of the connection.
  using Notified = std::function<void(ByteView value)>;
  boost::asio::awaitable<Result<void>> start_notify(std::string characteristic, Notified arrived, SteadyTime deadline);
  /// At once, and without an answer.
  void stop_notify(const std::string& characteristic);

 private:
  void look();
  [[nodiscard]] std::string name_for_people(const std::string& device) const;
  boost::asio::awaitable<void> until_cleaned_up();
  boost::asio::awaitable<Result<void>> ask_to_connect(std::string device, std::string doing, SteadyTime deadline);
  boost::asio::awaitable<Result<void>> until_resolved(std::string device, std::string doing, SteadyTime deadline);
  boost::asio::awaitable<Result<Paired>> pair_now(AgentCapability capability, PairingAnswers answers, std::string doing,
                                                  SteadyTime deadline);
  boost::asio::awaitable<Result<bus::Message>> ask_connected(Question question, SteadyTime deadline);
  boost::asio::awaitable<Result<Acquired>> acquire(const char* member, std::string characteristic, SteadyTime deadline);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<Follower> follower_;
  Waiters waiters_;
  Changed listener_;
  std::map<std::string, Notified> notified_;  // by characteristic
  bool is_pairing_ = false;
};

}  // namespace hg::ble
