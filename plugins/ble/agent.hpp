// SPDX-License-Identifier: Apache-2.0
// The pairing agent (org.bluez.Agent1), registered with AgentManager1 for one Pair() of ours and never as the default
// agent: bluetoothd asks the agent of who called Pair(). It answers for that one device and rejects every other
// question (org.bluez.Error.Rejected). bluez owns it; pairing says what it may answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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
  /// Exports the object on `connection`, which must outlive it.
  explicit Agent(bus::Connection& connection);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent();

  [[nodiscard]] static const char* path() { return "/org/headgate/ble/agent"; }

  /// From now on questions about that device are answered so.
  void begin(PairingAnswers answers);
  /// Nothing is answered any more.
  void end();
  /// Since begin(): whether the passkey was asked for. A pairing that never asked was not authenticated.
  [[nodiscard]] bool has_given_passkey() const { return has_given_passkey_; }

 private:
  std::optional<PairingAnswers> answers_;
  bool has_given_passkey_ = false;
  bus::Slot exported_;
};

}  // namespace hg::ble
