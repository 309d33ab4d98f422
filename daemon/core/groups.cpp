// SPDX-License-Identifier: Apache-2.0
#include "core/groups.hpp"

#include <algorithm>
#include <map>

#include "core/preflight.hpp"
#include "core/standing.hpp"
#include "core/transaction.hpp"
#include "core/units.hpp"

namespace hg::core {

namespace {

const Layout* layout_of(const State& state, const Group& group) {
  const auto layout = state.layouts.find(group.layout);
  return layout == state.layouts.end() ? nullptr : &layout->second;
}

const Role* role_in(const Layout& layout, const std::string& name) {
  const auto role = std::ranges::find(layout.roles, name, &Role::name);
  return role == layout.roles.end() ? nullptr : &*role;
}

/// Nobody would take it: it is for a role or a class that this product does not have.
const Image* image_for_nobody(const State& state, const Group& group, const Deliverable& deliverable) {
  std::vector<const Image*> taken;
  for (const Member& member : group.members)
    std::ranges::copy(fitting_images(deliverable, state.children.at(member.child)), std::back_inserter(taken));
  const auto is_left = [&](const Image& image) { return std::ranges::find(taken, &image) == taken.end(); };
  const auto left = std::ranges::find_if(deliverable.images, is_left);
  return left == deliverable.images.end() ? nullptr : &*left;
}

/// What runs the new image already is only watched.
Duration time_to_activate(const State& state, const Child& child) {
  const Patience& patience = child.enrollment.patience;
  if (brings_nothing(child.update->parts)) return patience.health;
  return activation_time(patience, size_of_change(state, *child.update)) + patience.health;
}

/// Members of one rank are activated side by side, the ranks one after the other, and the pivot when all others are
/// well.
Duration time_to_activate(const State& state, const std::vector<const Child*>& members) {
  std::map<unsigned, Duration> longest;
  Duration sum{0};
  for (const Child* child : members) {
    if (child->update->after_commit) continue;  // no test waits for it
    if (child->update->pivot) {
      sum += time_to_activate(state, *child);
      continue;
    }
    Duration& rank = longest[rank_of(state, *child)];
    rank = std::max(rank, time_to_activate(state, *child));
  }
  for (const auto& [rank, time] : longest) sum += time;
  return sum;
}

/// What stands against a member that cannot be brought back, beside the pivot.
Cause judge_further(const std::vector<const Child*>& members, const Child& child, bool is_forced) {
  const auto pivot = std::ranges::find_if(members, [](const Child* member) { return member->update->pivot; });
  const std::string both = (*pivot)->enrollment.id + " and " + child.enrollment.id;
  if (revert_class_of(child) == RevertClass::unstageable)
    return {Reason::revert_class_not_allowed, both + " both install as they receive: no order among them is safe"};
  if (is_forced) return {};
  for (const Child* member : {*pivot, &child})
    if (revert_class_of(*member) == RevertClass::reinstall)
      return {Reason::no_rollback_image, both + " could neither be brought back: what " + member->enrollment.id +
                                             " runs is not held here, and the group might end mixed"};
  return {Reason::revert_class_not_allowed, both + " could neither be brought back: the group might end mixed"};
}

void index_members_of(State& state, const Group& group) {
  for (const Member& member : group.members) {
    Child* child = find_child(state, member.child);
    if (child == nullptr) continue;
    child->group = group.id;
    child->role = member.role;
  }
}

void forget_members_of(State& state, const Group& group) {
  for (const Member& member : group.members) {
    Child* child = find_child(state, member.child);
    if (child == nullptr || child->group != group.id) continue;
    child->group.clear();
    child->role.clear();
  }
}

}  // namespace

void index_members(State& state) {
  for (auto& [id, child] : state.children) {
    child.group.clear();
    child.role.clear();
  }
  for (const auto& [id, group] : state.groups) index_members_of(state, group);
}

Result<void> may_take(const State& state, const Group& group, const std::string& role_name, const ChildId& id) {
  const Layout* layout = layout_of(state, group);
  if (layout == nullptr) return Error{Errc::not_found, "group " + group.id + ": no layout " + group.layout};
  const Role* role = role_in(*layout, role_name);
  if (role == nullptr)
    return Error{Errc::not_found, "group " + group.id + ": layout " + layout->name + " has no role " + role_name};
  const Child* child = find_child(state, id);
  if (child == nullptr || !child->enrolled) return Error{Errc::not_found, "group " + group.id + ": no child " + id};
  if (child->enrollment.vendor != role->vendor || child->enrollment.device_class != role->device_class)
    return Error{Errc::mismatch,
                 "group " + group.id + ": child " + id + " is not of the vendor and class of role " + role_name};
  if (!child->group.empty() && child->group != group.id)
    return Error{Errc::exists, "group " + group.id + ": child " + id + " is a member of group " + child->group};
  if (const std::string unit = unit_of(*child); group.is_reported && unit != group.id)
    return Error{Errc::mismatch,
                 "group " + group.id + ": child " + id + " reports " + (unit.empty() ? "no unit" : "unit " + unit)};
  return {};
}

Result<void> check_members(const State& state, const Group& group) {
  const Layout* layout = layout_of(state, group);
  if (layout == nullptr) return Error{Errc::not_found, "group " + group.id + ": no layout " + group.layout};
  std::map<std::string, unsigned> taken;
  for (const Member& member : group.members) {
    if (const auto may = may_take(state, group, member.role, member.child); !may) return may.error();
    if (std::ranges::count(group.members, member.child, &Member::child) > 1)
      return Error{Errc::exists, "group " + group.id + ": child " + member.child + " is named twice"};
    taken[member.role] += 1;
  }
  for (const Role& role : layout->roles)
    if (taken[role.name] != role.count)
      return Error{Errc::mismatch, "group " + group.id + " is not whole: " + std::to_string(taken[role.name]) + " of " +
                                       std::to_string(role.count) + " in role " + role.name};
  return {};
}

Result<std::vector<ChildId>> choose_members(const State& state, const Group& group, const Deliverable& deliverable) {
  if (const auto whole = check_members(state, group); !whole) return whole.error();
  if (is_split(state, group))
    return Error{Errc::busy, "group " + group.id + " is split: resolve it before another rollout"};
  if (is_bound(state, group)) return Error{Errc::busy, "group " + group.id + " is in an update that is past ACTIVATE"};
  if (const Image* image = image_for_nobody(state, group, deliverable))
    return Error{Errc::mismatch,
                 "group " + group.id + ": the deliverable's image " + image->component + " is for nobody in it"};
  std::vector<ChildId> chosen;
  for (const Member& member : group.members)
    if (!fitting_images(deliverable, state.children.at(member.child)).empty()) chosen.push_back(member.child);
  return chosen;
}

Result<std::vector<ChildId>> choose_to_repair(const State& state, const Group& group) {
  if (group.committed.empty())
    return Error{Errc::not_found, "group " + group.id + " has committed nothing that a member could be brought to"};
  const auto deliverable = state.deliverables.find(group.committed);
  if (deliverable == state.deliverables.end())
    return Error{Errc::not_found, "the deliverable that group " + group.id + " has committed is gone"};
  auto members = choose_members(state, group, deliverable->second);
  if (!members) return members;
  std::erase_if(*members, [&](const ChildId& id) {
    const Child& child = state.children.at(id);
    return child.committed == group.committed && runs_all_of(deliverable->second, child);
  });
  if (members->empty()) return Error{Errc::exists, "all of group " + group.id + " run what it has committed"};
  return members;
}

Cause judge_together(const State& state, const std::vector<const Child*>& members, bool is_forced) {
  Duration window{0};
  for (const Child* child : members) {
    if (child->update->after_commit)
      if (Cause cause = judge_further(members, *child, is_forced); cause.reason != Reason::none) return cause;
    if (is_touched_last(*child->update) || brings_nothing(child->update->parts))
      continue;  // no test of theirs could end
    const Duration own = child->enrollment.patience.test_window;
    if (own > Duration{0}) window = window > Duration{0} ? std::min(window, own) : own;
  }
  const Duration needed = time_to_activate(state, members);
  if (window == Duration{0} || needed <= window) return {};
  return {Reason::no_room_in_window, "to activate all takes up to " + std::to_string(needed.count() / 1000) +
                                         " s, and a member takes a new image back after " +
                                         std::to_string(window.count() / 1000) + " s"};
}

unsigned rank_of(const State& state, const Child& child) {
  const auto group = state.groups.find(child.group);
  if (group == state.groups.end()) return 0;
  const Layout* layout = layout_of(state, group->second);
  const Role* role = layout == nullptr ? nullptr : role_in(*layout, child.role);
  return role == nullptr ? 0 : role->order;
}

void on_group_event(State& state, const LayoutsSaid& event, Instant, Output&) {
  state.layouts.clear();
  for (const Layout& layout : event.layouts) state.layouts.emplace(layout.name, layout);
}

void on_group_event(State& state, const GroupFormed& event, Instant now, Output& out) {
  const auto known = state.groups.find(event.group.id);
  const bool is_known = known != state.groups.end();
  if (event.group.members.size() > kMaxMembers)
    out.refusal = Error{Errc::too_large, "group " + event.group.id + " has too many members"};
  else if (is_known && !(known->second.is_configured && event.group.is_configured))
    out.refusal = Error{Errc::exists, "there is a group " + event.group.id + " already"};
  else if (is_known && known->second.members != event.group.members && is_bound(state, known->second))
    out.refusal = Error{Errc::busy, "group " + event.group.id + " is in an update that is past ACTIVATE"};
  else if (const auto whole = check_members(state, event.group); !whole)
    out.refusal = whole.error();
  if (out.refusal) return;
  Group formed = event.group;
  if (is_known) formed.committed = known->second.committed;
  if (is_known && known->second == formed) return;
  if (is_known && known->second.members != formed.members)
    withdraw_all(state, known->second, "group " + formed.id + " has other members now", now, out);
  for (const Member& member : formed.members)
    withdraw_alone(state, state.children.at(member.child), formed.id, now, out);
  if (is_known) forget_members_of(state, known->second);
  state.groups.insert_or_assign(formed.id, formed);
  index_members_of(state, formed);
  out.changes.emplace_back(PutGroup{std::move(formed)});
}

void on_group_event(State& state, const GroupDissolved& event, Instant now, Output& out) {
  const auto group = state.groups.find(event.group);
  if (group == state.groups.end() || (event.is_by_configuration && !group->second.is_configured)) {
    out.refusal = Error{Errc::not_found, "no group " + event.group};
    return;
  }
  if (is_bound(state, group->second)) {
    out.refusal = Error{Errc::busy, "group " + event.group + " is in an update that is past ACTIVATE"};
    return;
  }
  if (would_form_again(state, group->second)) {
    out.refusal = Error{Errc::guard_failed, "group " + event.group + " is what its children report: it would be " +
                                                "formed again, while layout " + group->second.layout + " has form_by"};
    return;
  }
  withdraw_all(state, group->second, "group " + event.group + " was dissolved", now, out);
  forget_members_of(state, group->second);
  state.groups.erase(group);
  out.changes.emplace_back(DropGroup{event.group});
}

}  // namespace hg::core
