// SPDX-License-Identifier: Apache-2.0
#include "core/units.hpp"

#include <algorithm>
#include <utility>

#include "core/groups.hpp"
#include "core/transaction.hpp"

namespace hg::core {

namespace {

using Claims = std::set<ChildId>;

/// What a child of this vendor and class would be: the configuration has one such role at most.
struct Place {
  const Layout* layout = nullptr;
  const Role* role = nullptr;
};

const Role* role_for(const Layout& layout, const Enrollment& child) {
  const auto fits = [&](const Role& role) {
    return role.vendor == child.vendor && role.device_class == child.device_class;
  };
  const auto role = std::ranges::find_if(layout.roles, fits);
  return role == layout.roles.end() ? nullptr : &*role;
}

Place place_of(const State& state, const Child& child) {
  for (const auto& [name, layout] : state.layouts)
    if (layout.is_formed_by_unit)
      if (const Role* role = role_for(layout, child.enrollment)) return {&layout, role};
  return {};
}

const Claims& claims_on(const State& state, const std::string& unit) {
  static const Claims kNobody;
  const auto claims = state.units.find(unit);
  return claims == state.units.end() ? kNobody : claims->second;
}

/// All that report the unit and could take a role of the layout, in the order of its roles.
std::vector<Member> candidates(const State& state, const std::string& unit, const Layout& layout) {
  std::vector<Member> found;
  for (const Role& role : layout.roles)
    for (const ChildId& id : claims_on(state, unit)) {
      const Child& child = state.children.at(id);
      if (child.enrolled && role_for(layout, child.enrollment) == &role) found.push_back({role.name, id});
    }
  return found;
}

std::string names_in(const std::vector<Member>& members, const std::string& role) {
  std::string names;
  for (const Member& member : members)
    if (member.role == role) names += (names.empty() ? "" : ", ") + member.child;
  return names;
}

std::string quantity(std::size_t there, const Role& role) {
  return std::to_string(there) + " of " + std::to_string(role.count) + " as " + role.name;
}

/// What a unit comes to that is no group yet. Nothing of both: it is whole.
struct Forming {
  std::vector<Member> members;
  std::string waits_for;
  std::string obstacle;
};

/// It is asked anew what it is, or on its way to another image: what it said may not hold.
bool is_unsettled(const Child& child) {
  return child.in_doubt || (child.update && is_past_activate(*child.update));
}

std::string obstacle_to(const State& state, const std::string& unit, const Layout& layout,
                        const std::vector<Member>& members) {
  if (state.groups.contains(unit)) return "there is a group " + unit + " already";
  for (const Role& role : layout.roles)
    if (const auto there = std::ranges::count(members, role.name, &Member::role); there > role.count)
      return "it is reported by " + quantity(static_cast<std::size_t>(there), role) + ": " +
             names_in(members, role.name);
  for (const Member& member : members)
    if (const GroupId& group = state.children.at(member.child).group; !group.empty())
      return member.child + ", which reports it as well, is in group " + group;
  return {};
}

std::string missing_in(const State& state, const Layout& layout, const std::vector<Member>& members) {
  std::string missing;
  const auto add = [&](const std::string& what) { missing += (missing.empty() ? "" : ", ") + what; };
  for (const Role& role : layout.roles)
    if (const auto there = std::ranges::count(members, role.name, &Member::role); there < role.count)
      add(quantity(static_cast<std::size_t>(there), role));
  for (const Member& member : members)
    if (is_unsettled(state.children.at(member.child))) add("the next report of " + member.child);
  return missing;
}

Forming forming(const State& state, const std::string& unit, const Layout& layout) {
  if (claims_on(state, unit).size() > kMaxMembers)
    return {{}, {}, "it is reported by more than " + std::to_string(kMaxMembers) + " children"};
  std::vector<Member> members = candidates(state, unit, layout);
  std::string obstacle = obstacle_to(state, unit, layout, members);
  std::string waits_for = missing_in(state, layout, members);
  return {std::move(members), std::move(waits_for), std::move(obstacle)};
}

void note(const Child& child, std::string text, Instant now, Output& out) {
  const Cause cause{Reason::none, std::move(text)};
  const ChildId& id = child.enrollment.id;
  if (child.update)
    out.changes.emplace_back(
        PutHistory{now, id, child.update->epoch, child.update->deliverable, child.update->phase, cause});
  else
    out.changes.emplace_back(PutHistory{now, id, 0, {}, Phase::preflight, cause});
}

const Group* reported_group_of(const State& state, const Child& child) {
  const auto group = state.groups.find(child.group);
  return group != state.groups.end() && group->second.is_reported ? &group->second : nullptr;
}

/// Of a child that claims a place in a group that is made up: the board that is to replace a member, or a liar.
std::string text_of_outsider(const Group& group, const Role& role) {
  const std::string there = names_in(group.members, role.name);
  if (there.empty())
    return "group " + group.id + " has lost its " + role.name + ": dissolve it, to have it formed anew";
  return "group " + group.id + " has " + there + " as " + role.name +
         ": `groups resolve` can put this child in that place";
}

std::string text_of_member(const Group& group, const std::string& unit) {
  if (unit == group.id) return {};
  return "it reports " + (unit.empty() ? "no unit" : "unit " + unit) + ", but is in group " + group.id +
         ", which begins no rollout while it does";
}

void form(State& state, const std::string& unit, const Layout& layout, Instant now, Output& out) {
  Forming whole = forming(state, unit, layout);
  if (!whole.obstacle.empty() || !whole.waits_for.empty()) return;
  Group group{unit, layout.name, std::move(whole.members), {}, false, true};
  on_group_event(state, GroupFormed{group}, now, out);
  if (std::exchange(out.refusal, std::nullopt)) return;  // it is nobody's request
  for (const Member& member : group.members)
    note(state.children.at(member.child), "it is " + member.role + " in group " + unit + ", by the unit it reports",
         now, out);
}

void index_unit(State& state, const ChildId& child, const std::string& before, const std::string& unit) {
  if (const auto claims = state.units.find(before); claims != state.units.end()) {
    claims->second.erase(child);
    if (claims->second.empty()) state.units.erase(claims);
  }
  if (!unit.empty()) state.units[unit].insert(child);
}

/// What is said of the others hangs on this one.
void touch_claimants(const State& state, const std::string& unit, Output& out) {
  const Claims& claims = claims_on(state, unit);
  if (claims.size() <= kMaxMembers) out.touched.insert(out.touched.end(), claims.begin(), claims.end());
}

/// A child that is in no group.
void hear_free(State& state, const Child& child, bool is_news, Instant now, Output& out) {
  const std::string unit = unit_of(child);
  const Place place = unit.empty() ? Place{} : place_of(state, child);
  if (place.layout == nullptr) return;
  form(state, unit, *place.layout, now, out);
  touch_claimants(state, unit, out);
  if (is_news && child.group.empty() && !forming(state, unit, *place.layout).obstacle.empty())
    note(child, unit_text(state, child), now, out);
}

}  // namespace

std::string unit_of(const Child& child) {
  return child.seen ? child.seen->unit : std::string{};
}

void hear_unit(State& state, const ChildId& id, const std::string& before, Instant now, Output& out) {
  const Child& child = state.children.at(id);
  const std::string unit = unit_of(child);
  if (unit != before) {
    index_unit(state, id, before, unit);
    touch_claimants(state, before, out);
  }
  if (child.group.empty()) return hear_free(state, child, unit != before, now, out);
  const Group* group = reported_group_of(state, child);
  if (unit == before || group == nullptr) return;
  const std::string text = text_of_member(*group, unit);
  note(child, text.empty() ? "it reports unit " + unit + " again" : text, now, out);
}

void index_units(State& state) {
  state.units.clear();
  for (const auto& [id, child] : state.children)
    if (const std::string unit = unit_of(child); !unit.empty()) state.units[unit].insert(id);
}

std::string unit_text(const State& state, const Child& child) {
  const std::string unit = unit_of(child);
  if (const Group* group = reported_group_of(state, child)) return text_of_member(*group, unit);
  const Place place = unit.empty() || !child.group.empty() ? Place{} : place_of(state, child);
  if (place.layout == nullptr) return {};
  const auto known = state.groups.find(unit);
  if (known != state.groups.end() && known->second.is_reported && known->second.layout == place.layout->name)
    return "it reports unit " + unit + ", but " + text_of_outsider(known->second, *place.role);
  const Forming unit_now = forming(state, unit, *place.layout);
  if (!unit_now.obstacle.empty()) return "no group is formed of unit " + unit + ": " + unit_now.obstacle;
  return unit_now.waits_for.empty() ? std::string{} : "waits for others of unit " + unit + ": " + unit_now.waits_for;
}

bool would_form_again(const State& state, const Group& group) {
  const auto layout = state.layouts.find(group.layout);
  return group.is_reported && layout != state.layouts.end() && layout->second.is_formed_by_unit &&
         check_members(state, group).has_value();
}

bool is_about_reported(const State& state, const SplitResolved& event) {
  const auto group = state.groups.find(event.group);
  const Child* child = find_child(state, event.child);
  if (event.resolution != Resolution::replace || group == state.groups.end() || !group->second.is_reported)
    return false;
  const bool is_split =
      child != nullptr && child->update && child->update->group == event.group && child->update->phase == Phase::split;
  return !is_split &&
         std::ranges::find(group->second.members, event.child, &Member::child) != group->second.members.end();
}

Result<void> replace_reported(State& state, const SplitResolved& event, Instant now, Output& out) {
  Group& group = state.groups.at(event.group);
  const auto member = std::ranges::find(group.members, event.child, &Member::child);
  if (std::ranges::find(group.members, event.replacement, &Member::child) != group.members.end())
    return Error{Errc::exists, "child " + event.replacement + " is a member of group " + group.id + " already"};
  if (const auto may = may_take(state, group, member->role, event.replacement); !may) return may.error();
  if (is_bound(state, group)) return Error{Errc::busy, "group " + group.id + " is in an update that is past ACTIVATE"};
  withdraw_all(state, group, "group " + group.id + " has other members now", now, out);
  withdraw_alone(state, state.children.at(event.replacement), group.id, now, out);
  member->child = event.replacement;
  out.changes.emplace_back(PutGroup{group});
  index_members(state);
  const std::string uid = "uid " + std::to_string(event.uid);
  note(state.children.at(event.child), uid + " has put " + event.replacement + " in its place", now, out);
  note(state.children.at(event.replacement), uid + " has put it in the place of " + event.child, now, out);
  return {};
}

}  // namespace hg::core
