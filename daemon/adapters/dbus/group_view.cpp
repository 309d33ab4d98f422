// SPDX-License-Identifier: Apache-2.0
// What a group shows: where its transaction stands, in one word, which is derived from the updates of its members.
#include <algorithm>

#include "adapters/dbus/views.hpp"

namespace hg::bus {
namespace {

using core::Child;
using core::Decision;
using core::Phase;
using core::Reason;
using core::Update;

/// The members that take part in the newest transaction of the group, and what became of it.
class Transaction {
 public:
  Transaction(const core::Group& group, const core::State& state) {
    for (const core::Member& member : group.members) {
      const auto child = state.children.find(member.child);
      if (child == state.children.end() || !child->second.update) continue;
      if (child->second.update->group == group.id) members_.push_back(&child->second);
    }
    core::RolloutId newest = 0;
    for (const Child* member : members_) newest = std::max(newest, member->update->rollout);
    std::erase_if(members_, [newest](const Child* member) { return member->update->rollout != newest; });
  }

  [[nodiscard]] bool is_none() const { return members_.empty(); }
  [[nodiscard]] const Update& first() const { return *members_.front()->update; }
  [[nodiscard]] std::string phase() const;
  [[nodiscard]] const Child& failing() const;
  [[nodiscard]] std::vector<std::string> waiting_for() const;

 private:
  [[nodiscard]] bool any(auto holds) const {
    return std::ranges::any_of(members_, [&](const Child* member) { return holds(*member->update); });
  }
  [[nodiscard]] bool any_in(Phase phase) const {
    return any([phase](const Update& update) { return update.phase == phase; });
  }
  [[nodiscard]] std::string phase_under_way() const;

  std::vector<const Child*> members_;
};

std::string Transaction::phase_under_way() const {
  switch (first().decision) {
    case Decision::none:
      break;
    case Decision::activate:
    case Decision::pivot:
      return "activating";
    case Decision::commit:
      return "committing";
    case Decision::back:
      return "reverting";
  }
  return "preparing";
}

std::string Transaction::phase() const {
  if (is_none()) return "idle";
  if (any_in(Phase::split)) return "split";
  const auto moves = [](const Update& update) { return !core::is_over(update) && !core::waits_for_time(update); };
  if (any(moves)) return phase_under_way();
  if (any(core::waits_for_time)) return "waiting";
  if (any_in(Phase::refused)) return "refused";
  if (any_in(Phase::cancelled)) return "cancelled";
  if (!any_in(Phase::confirmed)) return "reverted";
  return any_in(Phase::reverted) ? "mixed" : "updated";
}

/// The one that is the cause of what became of all; the first, if none is.
const Child& Transaction::failing() const {
  const auto is_cause = [](const Child* member) {
    const Reason reason = member->update->cause.reason;
    return reason != Reason::none && reason != Reason::other_member;
  };
  const auto is_split_by_itself = [&](const Child* member) {
    return member->update->phase == Phase::split && is_cause(member);
  };
  auto found = std::ranges::find_if(members_, is_split_by_itself);
  if (found == members_.end()) found = std::ranges::find_if(members_, is_cause);
  return found == members_.end() ? *members_.front() : **found;
}

/// Whether the others wait for this member's report before any of them goes on.
bool is_waited_for(const Child& member) {
  const Update& update = *member.update;
  if (update.phase == Phase::split) return true;
  if (core::is_over(update) || core::waits_for_time(update)) return false;
  switch (update.decision) {
    case Decision::none:
    case Decision::activate:
      return member.gate == core::Gate::none;
    case Decision::pivot:
      return update.pivot;
    case Decision::commit:
      return update.phase != Phase::confirmed;
    case Decision::back:
      return update.phase == Phase::reverting;
  }
  return false;
}

std::vector<std::string> Transaction::waiting_for() const {
  std::vector<std::string> names;
  for (const Child* member : members_)
    if (is_waited_for(*member)) names.push_back(member->enrollment.id);
  return names;
}

}  // namespace

GroupView view_of(const core::Group& group, const core::State& state) {
  GroupView view{.name = group.id,
                 .layout = group.layout,
                 .committed = group.committed,
                 .configured = group.is_configured,
                 .reported = group.is_reported,
                 .decision = std::string{core::name_of(Decision::none)},
                 .reason = std::string{core::name_of(Reason::none)}};
  for (const core::Member& member : group.members)
    view.members.push_back({{"Role", member.role}, {"Child", child_path(member.child)}, {"Id", member.child}});
  const Transaction transaction(group, state);
  view.phase = transaction.phase();
  if (transaction.is_none()) return view;
  const Child& failing = transaction.failing();
  const Update& update = *failing.update;
  view.decision = std::string{core::name_of(update.decision)};
  view.deliverable = update.deliverable;
  view.rollout = rollout_path(update.rollout);
  view.reason = std::string{core::name_of(update.cause.reason)};
  view.text = update.cause.text;
  view.until_us = core::is_over(update) ? 0 : to_microseconds(update.until);
  if (update.cause.reason != Reason::none) view.failing_member = failing.enrollment.id;
  view.waiting_for = transaction.waiting_for();
  return view;
}

}  // namespace hg::bus
