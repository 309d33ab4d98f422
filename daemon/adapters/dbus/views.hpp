// SPDX-License-Identifier: Apache-2.0
// What each object on the bus shows, as plain values computed from the state: one member per property of
// config/dbus/*.xml, which also says what each means. Pure; the object tree compares an old and a new view to know what
// changed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/dbus/paths.hpp"
#include "bus/message.hpp"
#include "core/engine.hpp"
#include "ports/control.hpp"

namespace hg::bus {

struct ManagerView {
  std::string version{};
  std::string state{};
  std::string trouble{};
  bool cloud_connected = false;
  std::uint64_t cache_used = 0;
  std::uint64_t cache_limit = 0;
  std::uint32_t discovered_count = 0;
  std::vector<Dictionary> arrivals{};
};

struct TrustView {
  std::uint64_t root_version = 0;
  bool time_known = false;
  std::vector<Dictionary> keys{};
  std::vector<Dictionary> heads{};
  std::vector<Dictionary> head_entries{};
  std::vector<Dictionary> permits{};
  std::vector<Dictionary> grants{};
  std::vector<Dictionary> floors{};
};

/// As Bluetooth says that an RSSI is not known.
inline constexpr std::int64_t kNoRssi = 127;

struct ChildView {
  core::ChildId id{};
  std::string transport{};
  std::string address{};
  std::string profile{};
  std::string origin{};
  std::string enrolled_by{};
  bool online = false;
  std::string link_text{};
  std::string link_security{};
  std::string protection{};
  bool protection_claimed = false;
  std::vector<Dictionary> keys{};
  std::string version{};
  std::string digest{};
  std::vector<Dictionary> targets{};
  std::vector<Dictionary> slots{};
  std::string revert_class{};
  std::string evidence{};
  bool confirms_itself = false;
  std::string bootloader{};
  std::string staging{};
  std::string obstacle{};
  std::string identity{};
  std::string identity_state{};
  std::string power{};
  std::uint32_t battery = 0;
  bool busy = false;
  std::uint64_t busy_for_us = 0;
  std::uint64_t boots = 0;
  std::string unit{};
  std::string unit_text{};
  std::uint64_t last_seen_us = 0;
  std::string group{};
  std::string role{};
  core::DeliverableId committed{};
  std::string phase{};
  std::string decision{};
  std::string gate{};
  std::string reason{};
  std::string reason_text{};
  std::uint32_t attempts = 0;
  std::uint64_t until_us = 0;
  std::string backup{};
  bool restore_due = false;
  ObjectPath job{};
  std::string adapter{};
  std::int64_t rssi = kNoRssi;
  std::uint32_t mtu = 0;
  std::uint64_t airtime_us = 0;
  std::uint64_t breaks = 0;

  /// Nothing: it has no radio.
  void show(const std::optional<ports::Radio>& radio);
  [[nodiscard]] bool shows(const std::optional<ports::Radio>& radio) const;
};

struct GroupView {
  core::GroupId name{};
  std::string layout{};
  std::vector<Dictionary> members{};
  core::DeliverableId committed{};
  bool configured = false;
  bool reported = false;
  std::string phase{};
  std::string decision{};
  core::DeliverableId deliverable{};
  ObjectPath rollout{};
  std::string failing_member{};
  std::string reason{};
  std::string text{};
  std::uint64_t until_us = 0;
  std::vector<std::string> waiting_for{};
};

struct DeliverableView {
  core::DeliverableId id{};
  std::string product{};
  std::string version{};
  std::uint64_t sequence = 0;
  std::string signer{};
  std::vector<std::string> signers{};
  std::int64_t priority = 0;
  std::string urgency{};
  std::string source{};
  std::uint64_t sealed_at_us = 0;
  std::vector<Dictionary> images{};
  std::uint64_t size = 0;
};

struct RolloutView {
  core::RolloutId id = 0;
  ObjectPath deliverable{};
  std::vector<ObjectPath> children{};
  std::uint32_t started_by_uid = 0;
  std::uint64_t start_time_us = 0;
  bool approved = false;
  bool forced = false;
  std::string state{};
  std::uint32_t total = 0;
  std::uint32_t confirmed = 0;
  std::uint32_t failed = 0;
  std::uint32_t pending = 0;
};

struct JobView {
  core::Epoch id = 0;
  std::string operation{};
  ObjectPath object{};
  ObjectPath rollout{};
  std::string state{};
  double progress = 0;
  bool progress_valid = false;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t start_time_us = 0;
  std::uint32_t started_by_uid = 0;
  bool cancelable = false;
  ErrorPair error{};

  void show(const ports::TransferProgress& transfer);
};

ManagerView view_of(const ports::Control& control, const std::string& version, const std::string& trouble);
ChildView view_of(const core::Child& child, const core::State& state);
GroupView view_of(const core::Group& group, const core::State& state);
DeliverableView view_of(const core::Deliverable& deliverable, std::string urgency);
/// What the state and `trust` say; whether something has expired is judged by the time in `trust`.
TrustView view_of(const core::State& state, const ports::Trust& trust);
RolloutView view_of(const core::Rollout& rollout, const core::State& state, DeliverablePaths& deliverables);
/// The job of a child that has an update.
JobView job_view_of(const core::Child& child, const core::State& state);
/// Who enrolled the child, who it is known to be, and what protects it.
void show_enrollment(ChildView& view, const core::Child& child, const core::State& state);
/// What Manager.ListDiscovered answers.
std::vector<Dictionary> discovered_in(const core::State& state);
/// What Manager.GetCounts answers.
Numbers numbers_of(const ports::Counts& counts);
/// 8-4-4-4-12 digits (RFC 9562 §4).
std::string to_text(const core::Uuid& uuid);
/// Microseconds since 1970; 0 for what was before, which stands for "never".
std::uint64_t to_microseconds(Instant instant);
/// One line of Child.GetHistory.
Dictionary line_of(const core::PutHistory& line);

}  // namespace hg::bus
