// SPDX-License-Identifier: Apache-2.0
#include "core/model.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace hg::core {

namespace {

template <class Value, std::size_t N>
using Names = std::array<std::pair<Value, std::string_view>, N>;

template <class Value, std::size_t N>
std::string_view name_in(const Names<Value, N>& names, Value value) {
  for (const auto& [candidate, name] : names)
    if (candidate == value) return name;
  return "unknown";
}

template <class Value, std::size_t N>
std::optional<Value> value_in(const Names<Value, N>& names, std::string_view name) {
  for (const auto& [value, candidate] : names)
    if (candidate == name) return value;
  return std::nullopt;
}

constexpr Names<Phase, 15> kPhases{{
    {Phase::preflight, "preflight"},
    {Phase::offered, "offered"},
    {Phase::backing_up, "backing-up"},
    {Phase::transferring, "transferring"},
    {Phase::staged, "staged"},
    {Phase::activating, "activating"},
    {Phase::testing, "testing"},
    {Phase::confirmed, "confirmed"},
    {Phase::refused, "refused"},
    {Phase::deferred, "deferred"},
    {Phase::resting, "resting"},
    {Phase::reverting, "reverting"},
    {Phase::reverted, "reverted"},
    {Phase::cancelled, "cancelled"},
    {Phase::split, "split"},
}};

constexpr Names<Decision, 5> kDecisions{{
    {Decision::none, "none"},
    {Decision::activate, "activate"},
    {Decision::pivot, "pivot"},
    {Decision::commit, "commit"},
    {Decision::back, "back"},
}};

constexpr Names<Gate, 4> kGates{{
    {Gate::none, "none"},
    {Gate::preflight, "preflight"},
    {Gate::staged, "staged"},
    {Gate::healthy, "healthy"},
}};

constexpr Names<Reason, 49> kReasons{{
    {Reason::none, "none"},
    {Reason::does_not_fit, "does-not-fit"},
    {Reason::ambiguous, "ambiguous"},
    {Reason::not_newer, "not-newer"},
    {Reason::no_protection, "no-protection"},
    {Reason::cannot_verify, "cannot-verify"},
    {Reason::same_as_other, "same-as-other"},
    {Reason::child_refused, "child-refused"},
    {Reason::child_deferred, "child-deferred"},
    {Reason::child_busy, "child-busy"},
    {Reason::not_answering, "not-answering"},
    {Reason::transfer_failed, "transfer-failed"},
    {Reason::activation_failed, "activation-failed"},
    {Reason::came_back_old, "came-back-old"},
    {Reason::unhealthy, "unhealthy"},
    {Reason::confirm_refused, "confirm-refused"},
    {Reason::third_version, "third-version"},
    {Reason::aborted, "aborted"},
    {Reason::superseded, "superseded"},
    {Reason::permit_used, "permit-used"},
    {Reason::permit_not_for_child, "permit-not-for-child"},
    {Reason::permit_expired, "permit-expired"},
    {Reason::time_unknown, "time-unknown"},
    {Reason::too_early, "too-early"},
    {Reason::other_product, "other-product"},
    {Reason::use_before_passed, "use-before-passed"},
    {Reason::version_condition, "version-condition"},
    {Reason::battery_condition, "battery-condition"},
    {Reason::not_approved, "not-approved"},
    {Reason::slot_unknown, "slot-unknown"},
    {Reason::not_stageable, "not-stageable"},
    {Reason::in_recovery, "in-recovery"},
    {Reason::restored, "restored"},
    {Reason::restore_failed, "restore-failed"},
    {Reason::backup_failed, "backup-failed"},
    {Reason::other_member, "other-member"},
    {Reason::revert_class_not_allowed, "revert-class-not-allowed"},
    {Reason::no_room_in_window, "no-room-in-window"},
    {Reason::no_rollback_image, "no-rollback-image"},
    {Reason::no_space, "no-space"},
    {Reason::battery_low, "battery-low"},
    {Reason::resolved, "resolved"},
    {Reason::no_child_key, "no-child-key"},
    {Reason::content_key_unknown, "content-key-unknown"},
    {Reason::grant_expired, "grant-expired"},
    {Reason::key_changed, "key-changed"},
    {Reason::wrong_identity, "wrong-identity"},
    {Reason::not_identified, "not-identified"},
    {Reason::not_told, "not-told"},
}};

constexpr Names<Order, 4> kOrders{{
    {Order::none, "none"},
    {Order::activate, "activate"},
    {Order::confirm, "confirm"},
    {Order::revert, "revert"},
}};

constexpr Names<Evidence, 3> kEvidences{{
    {Evidence::digest, "digest"},
    {Evidence::version, "version"},
    {Evidence::result, "result"},
}};
constexpr Names<RevertClass, 6> kRevertClasses{{
    {RevertClass::unknown, "unknown"},
    {RevertClass::self_reverting, "self-reverting"},
    {RevertClass::swap_back, "swap-back"},
    {RevertClass::reinstall, "reinstall"},
    {RevertClass::irrevocable, "irrevocable"},
    {RevertClass::unstageable, "unstageable"},
}};

constexpr Names<Staging, 3> kStagings{{
    {Staging::aside, "aside"},
    {Staging::in_place, "in-place"},
    {Staging::impossible, "impossible"},
}};

constexpr Names<Power, 3> kPowers{{
    {Power::unknown, "unknown"},
    {Power::mains, "mains"},
    {Power::battery, "battery"},
}};

constexpr Names<RestorePolicy, 4> kRestorePolicies{{
    {RestorePolicy::never, "never"},
    {RestorePolicy::after_revert, "after-revert"},
    {RestorePolicy::after_update, "after-update"},
    {RestorePolicy::always, "always"},
}};

constexpr std::array<std::string_view, std::variant_size_v<Step>> kSteps{"idle",   "wait",    "inspect",  "offer",
                                                                         "backup", "deliver", "activate", "confirm",
                                                                         "revert", "restore", "prepare",  "identify"};

}  // namespace

bool changes(const Part& part) {
  return part.before != part.after;
}

Duration activation_time(const Patience& patience, std::uint64_t size) {
  constexpr std::uint64_t kKib = 1024;
  constexpr std::uint64_t kLargest = 4 * kKib * kKib * kKib;  // what says more than 4 GiB is no child of ours
  return patience.swap +
         patience.swap_per_kib * static_cast<Duration::rep>((std::min(size, kLargest) + kKib - 1) / kKib);
}

RevertClass revert_class_of(const Child& child) {
  if (!child.seen) return RevertClass::unknown;
  const bool is_weakened = child.confirms_itself && child.seen->revert_class == RevertClass::self_reverting;
  return is_weakened ? RevertClass::swap_back : child.seen->revert_class;
}

bool is_end(Phase phase) {
  switch (phase) {
    case Phase::confirmed:
    case Phase::refused:
    case Phase::cancelled:
    case Phase::split:
      return true;
    default:
      return false;
  }
}

bool is_over(const Update& update) {
  return is_end(update.phase) || (update.phase == Phase::reverted && update.until == Instant{});
}

bool is_touched_last(const Update& update) {
  return update.pivot || update.after_commit;
}

bool is_past_activate(const Update& update) {
  return update.decision != Decision::none && update.phase != Phase::reverted && !is_over(update);
}

const Child* find_child(const State& state, const ChildId& id) {
  const auto found = state.children.find(id);
  return found == state.children.end() ? nullptr : &found->second;
}

Child* find_child(State& state, const ChildId& id) {
  const auto found = state.children.find(id);
  return found == state.children.end() ? nullptr : &found->second;
}

bool waits_for_time(const Update& update) {
  return !is_over(update) &&
         (update.phase == Phase::deferred || update.phase == Phase::resting || update.phase == Phase::reverted);
}

bool needs_blob(const State& state, const Digest& blob) {
  const auto is_image = [&](const auto& entry) {
    return std::ranges::any_of(entry.second.images, [&](const Image& image) { return image.digest == blob; });
  };
  return state.backups.contains(blob) || std::ranges::any_of(state.deliverables, is_image);
}

void index_updates(State& state) {
  state.updates.clear();
  state.backups.clear();
  for (const auto& [id, child] : state.children) {
    if (!child.update) continue;
    state.updates.emplace(child.update->epoch, id);
    note_backup(state, {}, child.update->backup);
  }
}

void note_backup(State& state, const Digest& before, const Digest& now) {
  if (before == now) return;
  if (!now.empty()) ++state.backups[now];
  if (const auto old = state.backups.find(before); old != state.backups.end() && --old->second == 0)
    state.backups.erase(old);
}

std::string signers_of(const Deliverable& deliverable) {
  std::string names;
  for (const std::string& name : deliverable.signers) names.append(names.empty() ? "" : ", ").append(name);
  return names;
}

bool is_permit_id(std::string_view text) {
  constexpr std::size_t kLength = 32;
  return text.size() == kLength && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view name_of(Phase phase) {
  return name_in(kPhases, phase);
}
std::string_view name_of(Decision decision) {
  return name_in(kDecisions, decision);
}
std::string_view name_of(Gate gate) {
  return name_in(kGates, gate);
}
std::string_view name_of(Reason reason) {
  return name_in(kReasons, reason);
}
std::string_view name_of(Order order) {
  return name_in(kOrders, order);
}
std::string_view name_of(Evidence evidence) {
  return name_in(kEvidences, evidence);
}
std::string_view name_of(RevertClass revert_class) {
  return name_in(kRevertClasses, revert_class);
}
std::string_view name_of(Staging staging) {
  return name_in(kStagings, staging);
}
std::string_view name_of(Power power) {
  return name_in(kPowers, power);
}
std::string_view name_of(RestorePolicy policy) {
  return name_in(kRestorePolicies, policy);
}
std::string_view name_of(const Step& step) {
  return kSteps.at(step.index());
}
std::optional<Phase> phase_from(std::string_view name) {
  return value_in(kPhases, name);
}
std::optional<Decision> decision_from(std::string_view name) {
  return value_in(kDecisions, name);
}
std::optional<Reason> reason_from(std::string_view name) {
  return value_in(kReasons, name);
}
std::optional<Order> order_from(std::string_view name) {
  return value_in(kOrders, name);
}
std::optional<Evidence> evidence_from(std::string_view name) {
  return value_in(kEvidences, name);
}
std::optional<RevertClass> revert_class_from(std::string_view name) {
  return value_in(kRevertClasses, name);
}
std::optional<Staging> staging_from(std::string_view name) {
  return value_in(kStagings, name);
}
std::optional<Power> power_from(std::string_view name) {
  return value_in(kPowers, name);
}
std::optional<RestorePolicy> restore_policy_from(std::string_view name) {
  return value_in(kRestorePolicies, name);
}

}  // namespace hg::core
