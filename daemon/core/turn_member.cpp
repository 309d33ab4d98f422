// SPDX-License-Identifier: Apache-2.0
// What a member of a group does at a gate, what it does as the others do, and the pivot, whose own report decides for
// all (docs/state-machines.md, "A group"). core/transaction calls what is public.
#include <algorithm>
#include <utility>

#include "core/bounds.hpp"
#include "core/preflight.hpp"
#include "core/turn.hpp"

namespace hg::core {

bool can_be_brought_back(const State& state, const Child& child) {
  if (brings_nothing(child.update->parts)) return true;
  const RevertClass revert_class = revert_class_of(child);
  return revert_class == RevertClass::self_reverting || revert_class == RevertClass::swap_back ||
         may_be_reinstalled(state, child);
}

bool is_delivered_by_pivot(const Child& child) {
  return child.update->pivot && revert_class_of(child) == RevertClass::unstageable;
}

bool is_forced_along(const Update& update) {
  return update.after_commit && update.phase == Phase::staged &&
         (update.decision == Decision::pivot || update.decision == Decision::commit);
}

bool awaits_report(const Child& child) {
  const Update& u = *child.update;
  if (u.group.empty()) return false;
  switch (u.phase) {
    case Phase::staged:
    case Phase::transferring:
    case Phase::activating:
    case Phase::testing:
      return u.decision == Decision::activate || (u.decision == Decision::pivot && u.pivot);
    default:
      return false;
  }
}

/// A child alone passes at once.
void Turn::reach(Gate gate) {
  child_.gate = gate;
  if (!is_alone()) return;
  switch (gate) {
    case Gate::preflight:
      return pass_preflight();
    case Gate::staged:
      agree_to_activate();
      return activate();
    case Gate::healthy:
      return decide_commit();
    case Gate::none:
      return;
  }
}

void Turn::pass_preflight() {
  if (update().after_commit)
    note({Reason::none, "uid " + std::to_string(state_.rollouts.at(update().rollout).started_by) +
                            " has forced it: it could not be brought back, and the group may end mixed"});
  if (!brings_nothing(update().parts)) return enter(Phase::offered);
  child_.in_doubt = true;
  enter(Phase::staged);
}

void Turn::call_round() {
  child_.gate = Gate::none;
  child_.in_round = true;
  child_.in_doubt = true;
  if (awaits_report(child_)) update().until = now_ + swap_time();
}

/// What was begun does not hold any more. Alone it begins anew at once, a group when all have let go of it.
void Turn::start_over(const Inspection& seen, Cause cause) {
  if (!is_alone()) return fail_attempt(Phase::deferred, std::move(cause));
  enter(Phase::preflight);
  judge_preflight(seen);
}

void Turn::enrolled_otherwise() {
  if (is_alone()) return enter(Phase::preflight);
  if (update().decision == Decision::pivot || is_forced_along(update())) return;  // it is asked what it runs
  fail_attempt(Phase::deferred, {Reason::third_version, "the child was enrolled otherwise"});
}

void Turn::join(const ChildId& whose, const Update& failed) {
  Update& u = update();
  if (u.order != Order::none) child_.in_doubt = true;
  u.order = Order::none;
  u.orders = 0;
  u.decision = failed.decision;
  u.attempts = failed.attempts;
  u.until = failed.until;
  const bool is_aborted = failed.cause.reason == Reason::aborted;
  enter(failed.phase, {is_aborted ? Reason::aborted : Reason::other_member, whose + ": " + failed.cause.text});
}

void Turn::refuse(Cause cause) {
  update().order = Order::none;
  enter(Phase::refused, std::move(cause));
}

void Turn::plan_retry() {
  count_attempt();
}

void Turn::plan_retry_with(const Update& other) {
  update().attempts = other.attempts;
  update().until = other.until;
}

// ------------------------------------------------------------------------------------------------------------ PIVOT

void Turn::agree_to_pivot() {
  Update& u = update();
  u.decision = Decision::pivot;
  u.orders = 0;
  child_.gate = Gate::none;
  child_.in_round = false;
  if (!u.pivot) return;
  u.until = now_ + swap_time();
  if (is_delivered_by_pivot(child_)) {
    u.delivered = 0;
    u.orders = 1;
    return enter(Phase::transferring);
  }
  give(Order::activate);
  enter(Phase::activating);
}

/// Only the pivot's report counts; the others hold still, whatever became of them.
void Turn::judge_pivot(const Inspection& seen, bool order_was_done) {
  Update& u = update();
  if (!u.pivot) return;
  const std::string what_runs = "the child runs " + describe(seen, u.parts);
  const Standing standing = standing_of(seen, u.parts);
  if (standing == Standing::all_new) {
    decide_commit();
    if (u.phase == Phase::confirmed) return;
    enter(Phase::testing);
    return;
  }
  if (standing != Standing::as_before) {
    if (u.phase != Phase::split) enter(Phase::split, {Reason::third_version, what_runs});
    return;
  }
  const bool is_marked_there = is_mark_begun(seen, u.parts);
  const bool is_unsure = !order_was_done && u.orders < kMaxUnsureOrders;
  if (!is_marked_there && !is_unsure) return decide_back({Reason::came_back_old, what_runs});
  if (u.orders >= kMaxOrders) {  // any power cut may bring the new one: never BACK
    if (u.phase != Phase::split) enter(Phase::split, {Reason::activation_failed, "it is marked but does not reset"});
    return;
  }
  u.until = now_ + swap_time();
  if (is_delivered_by_pivot(child_)) {
    u.delivered = 0;
    u.orders += 1;
    return enter(Phase::transferring);
  }
  if (u.phase != Phase::activating) enter(Phase::activating);
  give(Order::activate);
}

/// Until COMMIT it holds still, whatever it has become; then the way is only forward.
void Turn::judge_forced_along(const Inspection& seen) {
  if (update().decision == Decision::pivot) return;
  switch (standing_of(seen, update().parts)) {
    case Standing::all_new:
      enter(Phase::testing);
      return judge_testing(seen);
    case Standing::third:
      return enter(Phase::split, {Reason::third_version, "the child runs " + describe(seen, update().parts)});
    default:
      break;
  }
  const bool has_lost_it = !seen.is_in_recovery() && !is_staged(seen, update().parts);
  go_forward(seen, has_lost_it ? Cause{Reason::transfer_failed, "the child no longer lists the image"} : Cause{});
}

/// How much of it the child has taken is its secret: what it runs is asked.
void Turn::delivery_to_pivot_failed() {
  child_.in_doubt = true;
  update().until = now_ + swap_time();
  enter(Phase::activating);
}

/// The others do not wait for ever for a member that is away.
void Turn::gone_too_long() {
  Update& u = update();
  if (!awaits_report(child_) || now_ < u.until) return;
  const Cause cause{Reason::not_answering, "its link is away: " + child_.link_text};
  child_.in_doubt = true;
  if (u.decision == Decision::activate) return decide_back(cause);
  u.order = Order::none;
  enter(Phase::split, cause);
}

// ------------------------------------------------------------------------------------------------------------ split

void Turn::try_split_again(const std::string& how) {
  Update& u = update();
  u.order = Order::none;
  u.orders = 0;
  u.until = now_ + swap_time();
  child_.in_doubt = true;
  child_.quiet_until = {};
  child_.unanswered = 0;
  enter(u.decision == Decision::back ? Phase::reverting : Phase::activating, {Reason::resolved, how});
}

void Turn::leave_split(const std::string& how) {
  update().order = Order::none;
  update().until = {};
  update().group.clear();
  enter(Phase::cancelled, {Reason::resolved, how});
}

}  // namespace hg::core
