// SPDX-License-Identifier: Apache-2.0
// The pairing agent (org.bluez.Agent1) of one Pair() of ours, registered with AgentManager1 and never as the default
// agent: bluetoothd asks the agent of who called Pair(). It answers for that one device and only to bluetoothd, and
// rejects every other question (org.bluez.Error.Rejected). bluez makes one for each pairing; pairing says what it may
// answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "bus/connection.hpp"

namespace hg::ble {

/// What one pairing may do.
struct PairingAnswers {
  std::string device;  ///< its path: questions about any other are rejected
  /// Six digits. Null: just works, which RequestConfirmation and RequestAuthorization are allowed for; with a passkey
  /// they are rejected, because nobody would have authenticated anything.
  std::shared_ptr<const Secret> passkey;
};

class Agent {
 public:
  /// `bluetoothd`: its unique name. The connection must outlive the agent.
  Agent(bus::Connection& connection, std::string bluetoothd, PairingAnswers answers);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  /// Nothing is answered any more.
  ~Agent() = default;

  [[nodiscard]] static const char* path() { return "/org/headgate/ble/agent"; }

  /// Exports the object. Errc::io, Errc::exists: there is another one on this connection.
  Result<void> listen();

  /// Whether the passkey was asked for. A pairing that never asked was not authenticated.
  [[nodiscard]] bool has_given_passkey() const { return has_given_passkey_; }

 private:
  static int on_passkey(sd_bus_message* call, void* self, sd_bus_error* error);
  static int on_consent(sd_bus_message* call, void* self, sd_bus_error* error);
  static int on_unwanted(sd_bus_message* call, void* self, sd_bus_error* error);
  static int on_told(sd_bus_message* call, void* self, sd_bus_error* error);
  static const sd_bus_vtable kMethods[];

  [[nodiscard]] bool is_about_device(sd_bus_message* call) const;
  int give_passkey(sd_bus_message* call);

  bus::Connection& connection_;
  std::string bluetoothd_;
  PairingAnswers answers_;
  bool has_given_passkey_ = false;
  bus::Slot exported_;
};

}  // namespace hg::ble
