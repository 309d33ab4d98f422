// SPDX-License-Identifier: Apache-2.0
#include "core/conditions.hpp"

#include <algorithm>

#include "core/preflight.hpp"
#include "core/trust_facts.hpp"

namespace hg::core {

namespace {

bool is_approved(const State& state, const Child& child) {
  const auto rollout = state.rollouts.find(child.update->rollout);
  return rollout != state.rollouts.end() && rollout->second.approved;
}

/// The author chooses the product's name, and floors and rules of the root go by it: another name for the same class of
/// children would have neither.
Cause judge_product(const State& state, const Child& child) {
  const std::string& product = state.deliverables.at(child.update->deliverable).product;
  if (child.floors.empty() || child.floors.contains(product) || is_approved(state, child)) return {};
  return {Reason::other_product, "the child has had " + child.floors.begin()->first + " so far, and this is " +
                                     product + ": approve a rollout of it by name"};
}

Cause judge_approval(const State& state, const Child& child, const Conditions& conditions) {
  if (!conditions.needs_authorization || is_approved(state, child)) return {};
  return {Reason::not_approved, "the manifest asks for an authorization: approve a rollout of it by name"};
}

bool is_of_known_deliverable(const State& state, const Child& child, const Slot& runs) {
  const auto is_it = [&](const Image& image) { return listed_for(image, runs.image, child) == runs.digest; };
  return std::ranges::any_of(state.deliverables,
                             [&](const auto& entry) { return std::ranges::any_of(entry.second.images, is_it); });
}

std::string_view sign_of(VersionOp op) {
  switch (op) {
    case VersionOp::greater:
      return "above";
    case VersionOp::greater_equal:
      return "at least";
    case VersionOp::equal:
      return "equal to";
    case VersionOp::lesser_equal:
      return "at most";
    case VersionOp::lesser:
      return "below";
  }
  return "?";
}

/// What runs; when the new image is under test already, what ran before it.
const Slot* slot_to_follow(const Child& child, const Part& part) {
  const std::uint8_t number = part.image_number;
  const Slot* active = child.seen->active(number);
  if (active == nullptr || active->digest != part.after) return active;
  const auto fallback = std::ranges::find_if(
      child.seen->slots, [&](const Slot& s) { return s.image == number && !s.active && s.confirmed; });
  return fallback == child.seen->slots.end() ? nullptr : &*fallback;
}

Cause judge_versions(const Child& child, const Part& part, const Conditions& conditions) {
  if (conditions.versions.empty()) return {};
  const Slot* slot = slot_to_follow(child, part);
  const std::string text = slot == nullptr ? "" : slot->version;
  const std::optional<Version> current = version_from(text);
  if (!current) return {Reason::version_condition, "the version that the child runs cannot be read: '" + text + "'"};
  const auto broken = std::ranges::find_if_not(conditions.versions, [&](const auto& c) { return holds(c, *current); });
  if (broken == conditions.versions.end()) return {};
  return {Reason::version_condition, "the child runs " + text + ", which is not " + std::string(sign_of(broken->op)) +
                                         " " + to_text(broken->version)};
}

Cause judge_battery(const Conditions& conditions) {
  if (!conditions.minimum_battery_mwh) return {};
  return {Reason::battery_condition, "the image asks for " + std::to_string(*conditions.minimum_battery_mwh) +
                                         " mWh, and children tell their battery in percent only"};
}

Cause judge_time(const State& state, const Conditions& conditions, Instant now) {
  if (!conditions.use_before && !conditions.not_before) return {};
  if (!state.time_is_known)
    return {Reason::time_unknown, "the image may be used only for a time, and the time is not known"};
  const Instant then = trusted_time(state, now);
  if (conditions.use_before && then >= *conditions.use_before)
    return {Reason::use_before_passed, "the image was to be used before " + to_text(*conditions.use_before)};
  if (conditions.not_before && then < *conditions.not_before)
    return {Reason::too_early, "the image is not to be used before " + to_text(*conditions.not_before)};
  return {};
}

}  // namespace

Cause judge_regress(const State& state, const Child& child, const Part& part, const Image& image) {
  const Slot* active = child.seen->active(part.image_number);
  if (active == nullptr || active->digest == part.after || is_approved(state, child)) return {};
  const auto runs = version_from(active->version);
  const auto brings = version_from(image.version);
  if (!runs || !brings || !holds({VersionOp::lesser, *runs}, *brings)) return {};
  if (is_of_known_deliverable(state, child, *active)) return {};
  return {Reason::not_newer, "the child runs " + active->version +
                                 ", which this gateway does not know (was it restored?), and " + image.version +
                                 " is older: approve a rollout of it by name"};
}

Cause judge_conditions(const State& state, const Child& child, const Part& part, const Image& image, Instant now) {
  const Conditions& conditions = image.conditions;
  for (Cause cause :
       {judge_product(state, child), judge_approval(state, child, conditions), judge_versions(child, part, conditions),
        judge_battery(conditions), judge_time(state, conditions, now)})
    if (cause.reason != Reason::none) return cause;
  return {};
}

}  // namespace hg::core
