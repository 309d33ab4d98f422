// SPDX-License-Identifier: Apache-2.0
#include "core/transaction.hpp"

#include <algorithm>

#include "core/bounds.hpp"
#include "core/groups.hpp"
#include "core/turn.hpp"

namespace hg::core {

namespace {

Cause because_of(const Child& member, const Cause& cause) {
  return {Reason::other_member, member.enrollment.id + ": " + cause.text};
}

/// The members whose update is the group's.
template <class AnyState>
auto members_in(AnyState& state, const Group& group) {
  std::vector<decltype(find_child(state, ChildId{}))> members;
  for (const Member& member : group.members)
    if (auto* child = find_child(state, member.child); child != nullptr && child->update)
      if (child->update->group == group.id) members.push_back(child);
  return members;
}

class Transaction {
 public:
  Transaction(State& state, Group& group, RolloutId rollout, Instant now, Output& out)
      : state_(state), group_(group), now_(now), out_(out), members_(members_in(state, group)) {
    std::erase_if(members_, [&](const Child* member) { return member->update->rollout != rollout; });
  }

  void follow(const Remembered& before, const Child& child);
  void advance();
  void refresh();
  void plan_retry();
  void back(const Cause& cause) {
    each([&](Turn& turn, const Child&) { turn.decide_back(cause); });
  }
  void go_back_for_good(const Cause& cause) {
    each([&](Turn& turn, const Child& member) {
      if (member.update->phase == Phase::reverting) turn.enter(Phase::reverting, cause);
    });
  }
  void each_but(const Child& one, auto handle) {
    for (Child* member : members_)
      if (member != &one) take_turn(state_, *member, now_, out_, [&](Turn& turn) { handle(turn, *member); });
  }

 private:
  void each(auto handle) {
    for (Child* member : members_) take_turn(state_, *member, now_, out_, [&](Turn& turn) { handle(turn, *member); });
  }
  bool all(auto holds) const {
    return std::ranges::all_of(members_, [&](const Child* member) { return holds(*member); });
  }
  bool all_in(Phase phase) const {
    return all([&](const Child& member) { return member.update->phase == phase; });
  }
  bool all_decided(Decision decision) const {
    return all([&](const Child& member) { return member.update->decision == decision; });
  }

  void follow_end_of_attempt(const Child& child);
  void all_back(const Child& child);
  void choose_pivot();
  void pass_preflight();
  void round_before_activate();
  void activate_in_order();
  void round_before_commit();
  void end_committed();
  bool is_its_turn(const Child& child) const;
  bool has_pivot() const;

  State& state_;
  Group& group_;
  Instant now_;
  Output& out_;
  std::vector<Child*> members_;
};

bool stands_at(const Child& member, Gate gate) {
  return member.gate == gate && !member.in_doubt;
}

bool is_at_last_gate(const Child& member) {
  return stands_at(member, is_touched_last(*member.update) ? Gate::staged : Gate::healthy);
}

// ------------------------------------------------------------------------------------- what one does, the others do

void Transaction::follow(const Remembered& before, const Child& child) {
  if (!before.update || before.update->epoch != child.update->epoch) return;
  const Update& was = *before.update;
  const Update& is = *child.update;
  if (is.phase == Phase::split && is.decision == Decision::activate) return all_back(child);
  if (is.decision == Decision::back && was.decision != Decision::back) return all_back(child);
  if (is.decision == Decision::commit && was.decision == Decision::pivot)
    return each_but(child, [](Turn& turn, const Child&) { turn.decide_commit(); });
  if (waits_for_time(was) && is.phase == Phase::preflight)
    return each_but(child, [](Turn& turn, const Child& member) {
      if (waits_for_time(*member.update)) turn.begin_attempt();
    });
  if (is.phase != was.phase || is.until != was.until) follow_end_of_attempt(child);
}

/// Before ACTIVATE, and between two attempts: refused, deferred, resting, withdrawn.
void Transaction::follow_end_of_attempt(const Child& child) {
  const Update& u = *child.update;
  const bool is_withdrawn = u.phase == Phase::reverted && u.cause.reason == Reason::aborted && is_over(u);
  const bool has_ended = u.phase == Phase::refused || u.phase == Phase::deferred || u.phase == Phase::resting ||
                         u.phase == Phase::cancelled;
  if (is_withdrawn && all_in(Phase::reverted))
    each_but(child, [&](Turn& turn, const Child&) { turn.plan_retry_with(u); });
  if (!has_ended) return;
  each_but(child, [&](Turn& turn, const Child&) { turn.join(child.enrollment.id, u); });
}

/// BACK: also for the member that runs something else; it is asked on, whether it has come back.
void Transaction::all_back(const Child& child) {
  const Cause cause = because_of(child, child.update->cause);
  each([&](Turn& turn, Child& member) {
    Update& u = *member.update;
    if (u.phase == Phase::split) u.decision = Decision::back;
    if (u.decision != Decision::back) turn.decide_back(cause);
  });
}

// ----------------------------------------------------------------------------------------------------------- gates

void Transaction::advance() {
  if (members_.empty()) return;
  if (all_decided(Decision::none)) {
    if (all_in(Phase::preflight)) return pass_preflight();
    if (all_in(Phase::staged)) return round_before_activate();
    return;
  }
  if (all_decided(Decision::activate)) {
    activate_in_order();
    return round_before_commit();
  }
  if (all_decided(Decision::commit)) end_committed();
}

bool Transaction::has_pivot() const {
  return std::ranges::any_of(members_, [](const Child* member) { return member->update->pivot; });
}

/// Of those that cannot be brought back the first to be activated; one that installs as it receives before all others.
void Transaction::choose_pivot() {
  Child* pivot = nullptr;
  const auto place = [&](const Child& member) {
    return std::pair(revert_class_of(member) != RevertClass::unstageable, rank_of(state_, member));
  };
  for (Child* member : members_) {
    member->update->pivot = false;
    member->update->after_commit = !can_be_brought_back(state_, *member);
    if (member->update->after_commit && (pivot == nullptr || place(*member) < place(*pivot))) pivot = member;
  }
  if (pivot == nullptr) return;
  pivot->update->pivot = true;
  pivot->update->after_commit = false;
}

void Transaction::pass_preflight() {
  if (!all([](const Child& member) { return stands_at(member, Gate::preflight); })) return;
  choose_pivot();
  const std::vector<const Child*> members(members_.begin(), members_.end());
  const bool is_forced = state_.rollouts.at(members_.front()->update->rollout).forced;
  if (Cause cause = judge_together(state_, members, is_forced); cause.reason != Reason::none)
    return each([&](Turn& turn, const Child&) { turn.refuse(cause); });
  each([](Turn& turn, const Child&) { turn.pass_preflight(); });
}

void Transaction::round_before_activate() {
  if (!all([](const Child& member) { return stands_at(member, Gate::staged); })) return;
  if (!all([](const Child& member) { return member.in_round; }))
    return each([](Turn& turn, const Child&) { turn.call_round(); });
  each([](Turn& turn, Child& member) {
    turn.agree_to_activate();
    member.in_round = false;
  });
  activate_in_order();
}

/// Who comes before it runs the new image, and well.
bool Transaction::is_its_turn(const Child& child) const {
  const unsigned rank = rank_of(state_, child);
  return all([&](const Child& member) {
    return is_touched_last(*member.update) || rank_of(state_, member) >= rank || member.gate == Gate::healthy;
  });
}

void Transaction::activate_in_order() {
  for (Child* member : members_) {
    const bool waits = member->update->phase == Phase::staged && stands_at(*member, Gate::staged);
    if (!waits || is_touched_last(*member->update) || !is_its_turn(*member)) continue;
    take_turn(state_, *member, now_, out_, [](Turn& turn) { turn.activate(); });
  }
}

void Transaction::round_before_commit() {
  if (!all(is_at_last_gate)) return;
  if (!all([](const Child& member) { return member.in_round; }))
    return each([](Turn& turn, const Child&) { turn.call_round(); });
  if (has_pivot()) return each([](Turn& turn, const Child&) { turn.agree_to_pivot(); });
  each([](Turn& turn, const Child&) { turn.decide_commit(); });
  end_committed();
}

void Transaction::end_committed() {
  if (!all_in(Phase::confirmed)) return;
  const DeliverableId& committed = members_.front()->update->deliverable;
  if (group_.committed == committed) return;
  group_.committed = committed;
  out_.changes.emplace_back(PutGroup{group_});
}

/// The steps of some hang on where others stand.
void Transaction::refresh() {
  for (Child* member : members_) renew_step(state_, *member, out_);
}

/// All are back: one plan for the next attempt of all, by the member that has failed.
void Transaction::plan_retry() {
  if (!all_in(Phase::reverted)) return;
  const auto was_aborted = [](const Child* member) { return member->update->cause.reason == Reason::aborted; };
  if (std::ranges::any_of(members_, was_aborted)) return;
  const auto found = std::ranges::find_if(
      members_, [](const Child* member) { return member->update->cause.reason != Reason::other_member; });
  Child& failed = found == members_.end() ? *members_.front() : **found;
  take_turn(state_, failed, now_, out_, [](Turn& turn) { turn.plan_retry(); });
  each_but(failed, [&](Turn& turn, const Child&) { turn.plan_retry_with(*failed.update); });
}

bool is_just_back(const Remembered& before, const Child& child) {
  return before.update && before.update->phase == Phase::reverting && child.update->phase == Phase::reverted;
}

}  // namespace

void settle(State& state, const Remembered& before, const Child& child, Instant now, Output& out) {
  if (!child.update || child.update->group.empty()) return;
  const auto group = state.groups.find(child.update->group);
  if (group == state.groups.end()) return;
  Transaction transaction(state, group->second, child.update->rollout, now, out);
  transaction.follow(before, child);
  if (is_just_back(before, child)) transaction.plan_retry();
  transaction.advance();
  transaction.refresh();
}

bool may_go_back(const State& state, const Child& child) {
  const auto group = state.groups.find(child.update->group);
  if (group == state.groups.end()) return true;
  const unsigned rank = rank_of(state, child);
  return std::ranges::none_of(members_in(state, group->second), [&](const Child* later) {
    const bool is_silent = !later->online || std::max(later->unanswered, later->losses) >= kMaxUnanswered;
    const bool goes_back = later->update->rollout == child.update->rollout && later->update->phase == Phase::reverting;
    return goes_back && !is_silent && rank_of(state, *later) > rank;
  });
}

bool is_bound(const State& state, const Group& group) {
  return is_split(state, group) || std::ranges::any_of(group.members, [&](const Member& member) {
           const Child* child = find_child(state, member.child);  // also in an update of its own: a repair
           return child != nullptr && child->update && is_past_activate(*child->update);
         });
}

bool is_split(const State& state, const Group& group) {
  return std::ranges::any_of(members_in(state, group),
                             [](const Child* member) { return member->update->phase == Phase::split; });
}

void withdraw_all(State& state, const Group& group, const std::string& why, Instant now, Output& out) {
  for (Child* member : members_in(state, group))
    if (!is_over(*member->update))
      take_turn(state, *member, now, out, [&](Turn& turn) { turn.withdraw({Reason::superseded, why}); });
}

void withdraw_alone(State& state, Child& child, const GroupId& group, Instant now, Output& out) {
  if (child.group == group || !child.update || is_over(*child.update) || is_past_activate(*child.update)) return;
  take_turn(state, child, now, out, [&](Turn& turn) {
    turn.withdraw({Reason::superseded, "it is a member of group " + group + " now"});
  });
}

namespace {

/// For the history: what was done, and by whom.
std::string told(const SplitResolved& event) {
  const std::string uid = "uid " + std::to_string(event.uid);
  switch (event.resolution) {
    case Resolution::retry:
      return uid + " has it tried again";
    case Resolution::drop:
      return uid + " has taken it out of its group";
    case Resolution::replace:
      return uid + " has put " + event.replacement + " in its place";
    case Resolution::accept:
      break;
  }
  return uid + " lets it rest as it is";
}

Result<void> may_replace(const State& state, const Group& group, const std::string& role, const ChildId& id) {
  if (std::ranges::find(group.members, id, &Member::child) != group.members.end())
    return Error{Errc::exists, "child " + id + " is a member of group " + group.id + " already"};
  return may_take(state, group, role, id);
}

/// Without the member that could not be reached the others have something to wait for no more. Nor are they tried
/// again: they would be new without it.
void go_on_without(State& state, Group& group, const Update& left, Instant now, Output& out) {
  Transaction others(state, group, left.rollout, now, out);
  const Cause cause{Reason::aborted, "an operator has given up another member"};
  if (left.decision == Decision::pivot) others.back(cause);
  if (left.decision == Decision::back) others.go_back_for_good(cause);
  others.advance();
  others.refresh();
}

}  // namespace

Result<void> resolve(State& state, const SplitResolved& event, Instant now, Output& out) {
  const auto found = state.groups.find(event.group);
  if (found == state.groups.end()) return Error{Errc::not_found, "no group " + event.group};
  Group& group = found->second;
  const auto member = std::ranges::find(group.members, event.child, &Member::child);
  if (member == group.members.end())
    return Error{Errc::not_found, "child " + event.child + " is not a member of group " + event.group};
  Child& child = state.children.at(event.child);
  if (!child.update || child.update->group != group.id || child.update->phase != Phase::split)
    return Error{Errc::exists, "child " + event.child + " is not split: nothing is to be resolved"};
  if (event.resolution == Resolution::retry) {
    const Remembered before = take_turn(state, child, now, out, [&](Turn& turn) { turn.try_split_again(told(event)); });
    settle(state, before, child, now, out);
    return {};
  }
  if (event.resolution == Resolution::replace)
    if (const auto may = may_replace(state, group, member->role, event.replacement); !may) return may.error();
  const Update left = *child.update;
  take_turn(state, child, now, out, [&](Turn& turn) { turn.leave_split(told(event)); });
  if (event.resolution == Resolution::replace) {
    withdraw_alone(state, state.children.at(event.replacement), group.id, now, out);
    member->child = event.replacement;
  }
  if (event.resolution == Resolution::drop) group.members.erase(member);
  if (event.resolution != Resolution::accept) {
    out.changes.emplace_back(PutGroup{group});
    index_members(state);
  }
  go_on_without(state, group, left, now, out);
  return {};
}

}  // namespace hg::core
