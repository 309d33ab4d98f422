// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/views.hpp"

#include <algorithm>
#include <limits>

#include "core/units.hpp"

namespace hg::bus {
namespace {

/// Stands for "none given" on the bus: less urgent than any other.
constexpr std::int64_t kNoPriority = std::numeric_limits<std::int64_t>::max();
/// Stands for "it does not tell" where 0 is a value.
constexpr std::uint32_t kNotTold = std::numeric_limits<std::uint32_t>::max();

template <class Named>
std::string text_of(Named value) {
  return std::string{core::name_of(value)};
}

Dictionary to_dictionary(const core::Slot& slot) {
  return {{"Image", std::uint32_t{slot.image}},
          {"Slot", std::uint32_t{slot.slot}},
          {"Version", slot.version},
          {"Digest", slot.digest.hex()},
          {"Bootable", slot.bootable},
          {"Pending", slot.pending},
          {"Confirmed", slot.confirmed},
          {"Active", slot.active},
          {"Permanent", slot.permanent}};
}

Dictionary to_dictionary(const core::Image& image) {
  return {{"Component", image.component},
          {"Version", image.version},
          {"Size", image.size},
          {"Digest", image.digest.hex()},
          {"Encrypted", image.encrypted},
          {"Wrap", image.sealing ? text_of(image.sealing->wrap) : std::string{}},
          {"VendorId", to_text(image.vendor)},
          {"ClassId", to_text(image.device_class)}};
}

const char* name_of(ports::ArrivalState state) {
  switch (state) {
    case ports::ArrivalState::waiting:
      return "waiting";
    case ports::ArrivalState::fetching:
      return "fetching";
    case ports::ArrivalState::sealed:
      return "sealed";
    case ports::ArrivalState::accepted:
      return "accepted";
    case ports::ArrivalState::known:
      return "known";
    case ports::ArrivalState::refused:
      break;
  }
  return "refused";
}

Dictionary to_dictionary(const ports::Arrival& arrival) {
  return {{"Url", arrival.url},        {"State", std::string{name_of(arrival.state)}},
          {"Text", arrival.text},      {"Since", to_microseconds(arrival.since)},
          {"BytesDone", arrival.done}, {"BytesTotal", arrival.total}};
}

Dictionary to_dictionary(const ports::TrustedKey& key) {
  return {{"Name", key.name},
          {"Roles", key.roles},
          {"Prefixes", key.prefixes},
          {"NotBefore", key.not_before ? to_microseconds(*key.not_before) : 0},
          {"NotAfter", key.not_after ? to_microseconds(*key.not_after) : 0},
          {"Offline", key.offline}};
}

bool has_expired(Instant at, const ports::Trust& trust) {
  return trust.time_is_known && at < trust.now;
}

Dictionary to_dictionary(const core::Head& head, const ports::Trust& trust) {
  return {{"Channel", head.channel},
          {"Version", head.version},
          {"Issued", to_microseconds(head.issued)},
          {"Expires", to_microseconds(head.expires)},
          {"Expired", has_expired(head.expires, trust)}};
}

Dictionary to_dictionary(const std::string& channel, const core::HeadEntry& entry) {
  return {{"Channel", channel},
          {"Product", entry.product},
          {"Sequence", entry.sequence},
          {"Minimum", entry.minimum},
          {"Deliverable", entry.manifest}};
}

Dictionary to_dictionary(const core::Permit& permit, const ports::Trust& trust) {
  std::vector<std::string> used_by;
  for (const auto& [child, epoch] : permit.uses) used_by.push_back(child);
  Dictionary shown{{"Id", permit.id},
                   {"Product", permit.product},
                   {"From", permit.from},
                   {"To", permit.to},
                   {"NotAfter", to_microseconds(permit.not_after)},
                   {"Expired", has_expired(permit.not_after, trust)},
                   {"Signers", permit.signers},
                   {"UsedBy", std::move(used_by)}};
  if (const auto* child = std::get_if<core::ChildId>(&permit.whom)) shown.emplace_back("Child", *child);
  if (const auto* uuid = std::get_if<core::Uuid>(&permit.whom)) shown.emplace_back("ClassId", to_text(*uuid));
  return shown;
}

Dictionary to_dictionary(const core::Grant& grant, const ports::Trust& trust) {
  return {{"Image", grant.image.hex()},
          {"NotAfter", to_microseconds(grant.not_after)},
          {"Expired", has_expired(grant.not_after, trust)}};
}

template <class T>
std::vector<Dictionary> to_dictionaries(const std::vector<T>& things) {
  std::vector<Dictionary> dictionaries;
  for (const T& thing : things) dictionaries.push_back(to_dictionary(thing));
  return dictionaries;
}

/// What each target runs; the first is shown in the child's own properties too.
void show_targets(ChildView& view, const core::Child& child) {
  for (const core::Target& target : child.enrollment.targets) {
    const core::Slot* active = child.seen ? child.seen->active(target.image_number) : nullptr;
    const std::string version = active == nullptr ? "" : active->version;
    const std::string digest = active == nullptr ? "" : active->digest.hex();
    if (view.targets.empty()) {
      view.version = version;
      view.digest = digest;
    }
    view.targets.push_back({{"Name", target.name},
                            {"Image", std::uint32_t{target.image_number}},
                            {"Version", version},
                            {"Digest", digest}});
  }
}

void show_inspection(ChildView& view, const core::Inspection& seen) {
  using std::chrono::microseconds;
  view.slots = to_dictionaries(seen.slots);
  view.bootloader = seen.bootloader;
  view.staging = text_of(seen.staging);
  view.obstacle = seen.obstacle;
  view.identity = seen.identity;
  if (!seen.identity.empty()) view.identity_state = "claimed";
  view.power = text_of(seen.power);
  if (seen.battery_percent) view.battery = *seen.battery_percent;
  view.busy = seen.busy;
  view.busy_for_us = static_cast<std::uint64_t>(std::chrono::duration_cast<microseconds>(seen.busy_for).count());
  view.boots = seen.boots.value_or(0);
  view.unit = seen.unit;
}

void show_update(ChildView& view, const core::Update& update) {
  view.phase = text_of(update.phase);
  view.decision = text_of(update.decision);
  view.reason = text_of(update.cause.reason);
  view.reason_text = update.cause.text;
  view.attempts = update.attempts;
  view.until_us = to_microseconds(update.until);
  view.backup = update.backup.hex();
  view.restore_due = update.restore_is_due;
  if (!core::is_over(update)) view.job = job_path(update.epoch);
}

}  // namespace

std::uint64_t to_microseconds(Instant instant) {
  const auto since_1970 = std::chrono::duration_cast<std::chrono::microseconds>(instant.time_since_epoch()).count();
  return since_1970 < 0 ? 0 : static_cast<std::uint64_t>(since_1970);
}

void JobView::show(const ports::TransferProgress& transfer) {
  bytes_total = transfer.total;
  bytes_done = std::min(transfer.done, transfer.total);
  progress_valid = transfer.total > 0;
  progress = progress_valid ? static_cast<double>(bytes_done) / static_cast<double>(bytes_total) : 0;
}

ManagerView view_of(const ports::Control& control, const std::string& version, const std::string& trouble) {
  return ManagerView{.version = version,
                     .state = trouble.empty() ? "ready" : "troubled",
                     .trouble = trouble,
                     .cloud_connected = control.cloud_connected(),
                     .cache_used = control.cache_used(),
                     .cache_limit = control.cache_limit(),
                     .discovered_count = static_cast<std::uint32_t>(control.state().discovered.size()),
                     .arrivals = to_dictionaries(control.arrivals())};
}

ChildView view_of(const core::Child& child, const core::State& state) {
  ChildView view{.id = child.enrollment.id,
                 .transport = child.enrollment.transport,
                 .address = child.enrollment.address,
                 .profile = child.enrollment.profile,
                 .online = child.online,
                 .link_text = child.link_text,
                 .revert_class = text_of(core::revert_class_of(child)),
                 .evidence = text_of(child.seen ? child.seen->evidence : core::Evidence::digest),
                 .confirms_itself = child.confirms_itself,
                 .staging = "unknown",
                 .identity_state = "none",
                 .power = text_of(core::Power::unknown),
                 .battery = kNotTold,
                 .last_seen_us = to_microseconds(child.last_seen),
                 .group = child.group,
                 .role = child.role,
                 .committed = child.committed,
                 .phase = "idle",
                 .decision = text_of(core::Decision::none),
                 .gate = text_of(child.gate),
                 .reason = text_of(core::Reason::none)};
  if (!child.enrolled) view.link_text = "not enrolled";
  show_targets(view, child);
  if (child.seen) show_inspection(view, *child.seen);
  show_enrollment(view, child, state);
  view.unit_text = core::unit_text(state, child);
  if (child.update) show_update(view, *child.update);
  return view;
}

DeliverableView view_of(const core::Deliverable& deliverable, std::string urgency) {
  DeliverableView view{.id = deliverable.id,
                       .product = deliverable.product,
                       .version = deliverable.version,
                       .sequence = deliverable.sequence,
                       .signer = signers_of(deliverable),
                       .signers = deliverable.signers,
                       .priority = deliverable.priority.value_or(kNoPriority),
                       .urgency = std::move(urgency),
                       .source = deliverable.source,
                       .sealed_at_us = to_microseconds(deliverable.sealed_at),
                       .images = to_dictionaries(deliverable.images)};
  for (const core::Image& image : deliverable.images) view.size += image.size;
  return view;
}

TrustView view_of(const core::State& state, const ports::Trust& trust) {
  TrustView view{
      .root_version = trust.root_version, .time_known = trust.time_is_known, .keys = to_dictionaries(trust.keys)};
  for (const auto& [channel, head] : state.heads) {
    view.heads.push_back(to_dictionary(head, trust));
    for (const core::HeadEntry& entry : head.entries) view.head_entries.push_back(to_dictionary(channel, entry));
  }
  for (const auto& [id, permit] : state.permits) view.permits.push_back(to_dictionary(permit, trust));
  for (const auto& [image, grant] : state.grants) view.grants.push_back(to_dictionary(grant, trust));
  for (const auto& [product, sequence] : state.floors)
    view.floors.push_back({{"Product", product}, {"Sequence", sequence}});
  return view;
}

RolloutView view_of(const core::Rollout& rollout, const core::State& state, DeliverablePaths& deliverables) {
  RolloutView view{.id = rollout.id,
                   .deliverable = deliverables[rollout.deliverable],
                   .started_by_uid = rollout.started_by,
                   .start_time_us = to_microseconds(rollout.started_at),
                   .approved = rollout.approved,
                   .forced = rollout.forced,
                   .total = static_cast<std::uint32_t>(rollout.children.size())};
  for (const core::ChildId& id : rollout.children) {
    view.children.push_back(child_path(id));
    const auto child = state.children.find(id);
    if (child == state.children.end() || !child->second.update) continue;
    const core::Update& update = *child->second.update;
    if (update.rollout != rollout.id) continue;  // it went on to a later one
    if (!core::is_over(update)) {
      ++view.pending;
    } else {
      ++(update.phase == core::Phase::confirmed ? view.confirmed : view.failed);
    }
  }
  view.state = view.pending > 0 ? "running" : "finished";
  return view;
}

JobView job_view_of(const core::Child& child, const core::State& state) {
  const core::Update& update = *child.update;
  const bool ended = core::is_over(update);
  JobView view{
      .id = update.epoch,
      .operation = "update",
      .object = child_path(child.enrollment.id),
      .rollout = rollout_path(update.rollout),
      .state = text_of(update.phase),
      .cancelable = !ended && (update.decision == core::Decision::none || update.decision == core::Decision::activate)};
  if (const auto rollout = state.rollouts.find(update.rollout); rollout != state.rollouts.end()) {
    view.start_time_us = to_microseconds(rollout->second.started_at);
    view.started_by_uid = rollout->second.started_by;
  }
  if (ended && update.phase != core::Phase::confirmed) {
    view.error = {text_of(update.cause.reason), update.cause.text};
  }
  return view;
}

Dictionary line_of(const core::PutHistory& line) {
  return {{"Time", to_microseconds(line.at)},     {"Epoch", line.epoch},
          {"Deliverable", line.deliverable},      {"Phase", text_of(line.phase)},
          {"Reason", text_of(line.cause.reason)}, {"ReasonText", line.cause.text}};
}

}  // namespace hg::bus
