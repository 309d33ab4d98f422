// SPDX-License-Identifier: Apache-2.0
#include "adapters/transport/translation.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "wire/limits.hpp"

namespace hg::transport {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

std::vector<wire::Guard> guards_of(const core::Confirm& order) {
  std::vector<wire::Guard> guards;
  for (const core::Guard& guard : order.guards) guards.push_back({guard.image, guard.active});
  return guards;
}

std::vector<wire::Move> moves_of(const std::vector<core::Move>& order) {
  std::vector<wire::Move> moves;
  for (const core::Move& move : order) moves.push_back({move.image, move.active, move.goal});
  return moves;
}

static_assert(static_cast<int>(core::RevertClass::unknown) == static_cast<int>(wire::RevertClass::unknown));
static_assert(static_cast<int>(core::RevertClass::unstageable) == static_cast<int>(wire::RevertClass::unstageable));
static_assert(static_cast<int>(core::Staging::in_place) == static_cast<int>(wire::Staging::in_place));
static_assert(static_cast<int>(core::Staging::impossible) == static_cast<int>(wire::Staging::impossible));
static_assert(static_cast<int>(core::Urgency::major) == static_cast<int>(wire::Urgency::major));
static_assert(static_cast<int>(core::Urgency::emergency) == static_cast<int>(wire::Urgency::emergency));
static_assert(static_cast<int>(core::LinkSecurity::claimed) == static_cast<int>(wire::LinkSecurity::claimed));
static_assert(static_cast<int>(core::LinkSecurity::proven) == static_cast<int>(wire::LinkSecurity::proven));
static_assert(std::is_same_v<core::Uuid, wire::Uuid>);
static_assert(core::kMaxPatches == wire::kMaxPatches && core::kMaxPatchBytes == wire::kMaxPatchBytes);
static_assert(core::kMaxRecordBytes == wire::kMaxRecord);
static_assert(static_cast<int>(core::Power::mains) == static_cast<int>(wire::Power::mains));
static_assert(static_cast<int>(core::Power::battery) == static_cast<int>(wire::Power::battery));

std::vector<wire::Patch> patches_of(const core::View& view) {
  std::vector<wire::Patch> patches;
  for (const core::Patch& patch : view.patches) patches.push_back({patch.offset, patch.bytes});
  return patches;
}

wire::Deliver deliver_of(const core::Deliver& order, wire::Task task) {
  wire::Deliver deliver{std::move(task), order.image, order.size, order.image_number, order.after};
  deliver.staging = static_cast<wire::Staging>(order.staging);
  if (!order.view) return deliver;
  deliver.image = order.view->digest;
  deliver.patches = patches_of(*order.view);
  deliver.record = order.view->record;
  return deliver;
}

bool is_for_plugins(const core::Step& step) {
  return !std::holds_alternative<core::Idle>(step) && !std::holds_alternative<core::Wait>(step) &&
         !std::holds_alternative<core::Prepare>(step) && !std::holds_alternative<core::Identify>(step);
}

/// Whether the plugin can bring what the child is to get in the place of the shared bytes.
Result<void> check_view(const wire::Hello& plugin, const core::Deliver& order) {
  if (!order.view) return {};
  if ((plugin.capabilities & wire::kCanOverlay) == 0) {
    return Error{Errc::unsupported, "the plugin \"" + plugin.transport +
                                        "\" cannot lay a child's own wrap over an image, so nothing was sent"};
  }
  if (order.view->record.size() > wire::kMaxRecord) {
    return Error{Errc::invalid, "a delivery record of more than 1024 bytes"};
  }
  return wire::check_patches(patches_of(*order.view), order.size);
}

/// A time that a plugin names; wire has bounded it.
Duration duration_of(std::uint64_t milliseconds) {
  return Duration{static_cast<std::int64_t>(milliseconds)};
}

core::Inspection inspection_from(const wire::Seen& seen) {
  core::Inspection inspection;
  for (const wire::Slot& slot : seen.slots) {
    inspection.slots.push_back({.image = slot.image,
                                .slot = slot.slot,
                                .version = slot.version,
                                .digest = slot.digest,
                                .bootable = slot.bootable,
                                .pending = slot.pending,
                                .confirmed = slot.confirmed,
                                .active = slot.active,
                                .permanent = slot.permanent});
  }
  inspection.revert_class = static_cast<core::RevertClass>(seen.revert_class);
  inspection.bootloader = seen.bootloader;
  inspection.battery_percent = seen.battery_percent;
  inspection.busy = seen.busy;
  inspection.staging = static_cast<core::Staging>(seen.staging);
  inspection.obstacle = seen.obstacle;
  inspection.busy_for = duration_of(seen.busy_ms);
  inspection.power = static_cast<core::Power>(seen.power);
  inspection.identity = seen.identity;
  inspection.boots = seen.boots;
  inspection.unit = seen.unit.value_or("");
  inspection.evidence = static_cast<core::Evidence>(seen.evidence);
  return inspection;
}

core::OfferAnswer offer_from(const wire::OfferAnswer& answer, Instant now) {
  core::OfferAnswer offer;
  offer.willing = static_cast<core::Willing>(answer.willing);
  if (offer.willing == core::Willing::later) offer.at = now + duration_of(answer.wait_ms);
  offer.text = answer.text;
  return offer;
}

}  // namespace

Duration deadline_for(const core::Patience& patience, const core::Step& step) {
  // A revert can take three resets: to play a mark through, to come back, and to bring the old image up again. A backup
  // tells no progress: a MiB, asked for piece by piece at 115200 baud, takes four minutes; to write it back is to read
  // everything first, and afterwards.
  constexpr Duration kWholeBackup = std::chrono::minutes{10};
  const auto limit = Overloaded{
      [&](const core::Deliver&) { return patience.transfer_stall; },
      [&](const core::Backup&) { return patience.transfer_stall + kWholeBackup; },
      [&](const core::Restore&) { return 3 * (patience.transfer_stall + kWholeBackup); },
      [&](const core::Activate& order) { return 2 * activation_time(patience, order.size) + 3 * patience.answer; },
      [&](const core::Revert& order) { return 3 * activation_time(patience, order.size) + 4 * patience.answer; },
      [&](const auto&) { return patience.answer; },
  };
  const Duration longest{static_cast<std::int64_t>(wire::kMaxDeadlineMs)};
  return std::clamp(std::visit(limit, step), Duration{1}, longest);
}

wire::Frame request_for(const core::Enrollment& child, const core::Step& step, wire::Task task) {
  task.deadline_ms = static_cast<std::uint64_t>(deadline_for(child.patience, step).count());
  const auto make = Overloaded{
      [&](const core::Inspect&) -> wire::Frame { return wire::Inspect{task}; },
      [&](const core::Offer& offer) -> wire::Frame {
        const auto urgency = static_cast<wire::Urgency>(offer.urgency);
        return wire::Offer{task, offer.image_number, wire::bounded_text(offer.version, wire::kMaxVersionText),
                           offer.size, urgency};
      },
      [&](const core::Backup&) -> wire::Frame { return wire::Backup{task}; },
      [&](const core::Restore&) -> wire::Frame { return wire::Restore{task}; },
      [&](const core::Deliver& deliver) -> wire::Frame { return deliver_of(deliver, task); },
      [&](const core::Activate& order) -> wire::Frame {
        return wire::Activate{task, moves_of(order.moves)};
      },
      [&](const core::Confirm& order) -> wire::Frame {
        return wire::Confirm{task, guards_of(order)};
      },
      [&](const core::Revert& order) -> wire::Frame {
        return wire::Revert{task, moves_of(order.moves)};
      },
      [&](const auto&) -> wire::Frame { return wire::Inspect{task}; },  // see the header: never asked
  };
  return std::visit(make, step);
}

std::optional<core::StepAnswer> answer_unasked(const wire::Hello& plugin, const core::Step& step) {
  const std::uint64_t capabilities = plugin.capabilities;
  if (!is_for_plugins(step)) return core::StepFailed{Error{Errc::internal, "no step that a plugin carries out"}};
  if (const auto* deliver = std::get_if<core::Deliver>(&step)) {
    if (const auto view = check_view(plugin, *deliver); !view) return core::StepFailed{view.error()};
  }
  if (std::holds_alternative<core::Offer>(step) && (capabilities & wire::kCanOffer) == 0) {
    return core::OfferAnswer{};
  }
  if (std::holds_alternative<core::Backup>(step) && (capabilities & wire::kCanBackup) == 0) return core::BackedUp{};
  if (std::holds_alternative<core::Restore>(step) && (capabilities & wire::kCanRestore) == 0) {
    return core::StepFailed{Error{Errc::unsupported, "the plugin cannot write a backup back"}};
  }
  return std::nullopt;
}

core::StepAnswer answer_from(const core::Step& step, const wire::Frame& frame, Instant now) {
  const bool is_order = std::holds_alternative<core::Activate>(step) || std::holds_alternative<core::Confirm>(step) ||
                        std::holds_alternative<core::Revert>(step);
  const bool is_guarded = is_order || std::holds_alternative<core::Deliver>(step);
  if (const auto* failed = std::get_if<wire::Failed>(&frame)) {
    return core::StepFailed{Error{failed->code, failed->text}};
  }
  if (const auto* inspected = std::get_if<wire::Inspected>(&frame)) {
    if (std::holds_alternative<core::Inspect>(step)) return inspection_from(inspected->seen);
  }
  if (const auto* offer = std::get_if<wire::OfferAnswer>(&frame)) {
    if (std::holds_alternative<core::Offer>(step)) return offer_from(*offer, now);
  }
  if (const auto* saved = std::get_if<wire::BackedUp>(&frame)) {
    if (std::holds_alternative<core::Backup>(step)) return core::BackedUp{{}, saved->text};
  }
  if (std::holds_alternative<wire::Restored>(frame) && std::holds_alternative<core::Restore>(step)) {
    return core::Restored{};
  }
  if (std::holds_alternative<wire::Delivered>(frame) && std::holds_alternative<core::Deliver>(step)) {
    return core::Delivered{};
  }
  if (const auto* ordered = std::get_if<wire::Ordered>(&frame); ordered != nullptr && is_order) {
    return core::Ordered{inspection_from(ordered->seen)};
  }
  if (const auto* guard = std::get_if<wire::GuardFailed>(&frame); guard != nullptr && is_guarded) {
    return core::GuardFailed{inspection_from(guard->seen)};
  }
  return core::StepFailed{misplaced(frame)};
}

Error misplaced(const wire::Frame& answer) {
  return {Errc::invalid, "the plugin answered with " + std::string(wire::name_of(answer))};
}

}  // namespace hg::transport
