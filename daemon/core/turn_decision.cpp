// SPDX-License-Identifier: Apache-2.0
// The durable decisions of an update, what is asked before the first of them, and how it comes to rest.
#include <algorithm>

#include "core/bounds.hpp"
#include "core/conditions.hpp"
#include "core/preflight.hpp"
#include "core/trust_facts.hpp"
#include "core/turn.hpp"

namespace hg::core {

namespace {

/// What stands against an update, and when to look again if time can heal it.
struct Objection {
  Cause cause;
  Instant again{};  ///< zero: it is refused
};

/// Of two, the one that lasts longer.
Objection worse(Objection a, Objection b) {
  if (a.cause.reason == Reason::none || b.cause.reason == Reason::none)
    return a.cause.reason == Reason::none ? std::move(b) : std::move(a);
  const bool b_lasts = a.again != Instant{} && (b.again == Instant{} || b.again > a.again);
  return b_lasts ? std::move(b) : std::move(a);
}

/// Conditions are about installing: they do not matter to what runs already.
Objection objection_to_parts(const State& state, const Child& child, bool is_permitted, Instant now) {
  const Instant later = now + child.enrollment.patience.look_again;
  Objection worst;
  for (const Part& part : child.update->parts) {
    if (child.seen->rests_on(part.image_number, part.after)) continue;
    const Image* image = image_of(state, *child.update, part);
    if (image == nullptr) continue;
    if (Cause regress = judge_regress(state, child, part, *image); !is_permitted && regress.reason != Reason::none)
      return {std::move(regress)};
    Objection next{judge_conditions(state, child, part, *image, now)};
    if (next.cause.reason == Reason::time_unknown) next.again = later;
    if (next.cause.reason == Reason::too_early) next.again = *image->conditions.not_before;
    worst = worse(std::move(worst), std::move(next));
  }
  return worst;
}

bool wants_restore(RestorePolicy policy, RestorePolicy when) {
  return policy == RestorePolicy::always || policy == when;
}

}  // namespace

/// Whether neither a floor nor a condition of an image stands against it now; otherwise the update is refused, or put
/// off if time can heal it. Asked at preflight and, since that may be hours ago, again before ACTIVATE.
bool Turn::is_allowed() {
  Update& u = update();
  const auto permit = find_permit(state_, child_, state_.deliverables.at(u.deliverable), now_);
  Objection objection;
  if (const Cause* cause = std::get_if<Cause>(&permit)) {
    objection.cause = *cause;
    if (cause->reason == Reason::time_unknown) objection.again = now_ + patience().look_again;
  } else {
    const bool is_permitted = !std::get<PermitId>(permit).empty();
    objection = objection_to_parts(state_, child_, is_permitted, now_);
  }
  const bool is_allowed = objection.cause.reason == Reason::none;
  u.permit = is_allowed ? std::get<PermitId>(permit) : PermitId{};
  if (is_allowed) return true;
  if (objection.again == Instant{})
    enter(Phase::refused, std::move(objection.cause));
  else
    put_off(objection.again, std::move(objection.cause));
  return false;
}

/// Tried again later, without a failure to be counted.
void Turn::put_off(Instant until, Cause cause) {
  update().until = until;
  enter(Phase::deferred, std::move(cause));
}

/// Whether the child may be disturbed now, and has the power for it; otherwise it is put off. Asked before anything is
/// sent, and again before ACTIVATE: the transfer may have taken hours.
bool Turn::is_ready(const Inspection& seen) {
  if (rests_on_new(seen, update().parts) || brings_nothing(update().parts)) return true;
  if (seen.busy) {
    put_off_busy(seen);
    return false;
  }
  const unsigned least = child_.enrollment.least_battery;
  if (seen.power != Power::battery || seen.battery_percent.value_or(least) >= least) return true;
  put_off(now_ + patience().look_again,
          {Reason::battery_low, "the battery holds " + std::to_string(*seen.battery_percent) + " %, less than " +
                                    std::to_string(least) + " %"});
  return false;
}

/// A child that says for how long is left alone for as long, but not for ever. One that does not is tried as one that
/// fails, so that its pauses grow.
void Turn::put_off_busy(const Inspection& seen) {
  Cause cause{Reason::child_busy, "the child asks not to be disturbed"};
  if (seen.busy_for <= Duration{0}) return fail_attempt(Phase::deferred, std::move(cause));
  put_off(now_ + std::max(std::min(seen.busy_for, patience().look_again), patience().pause), std::move(cause));
}

void Turn::give(Order order) {
  Update& u = update();
  u.order = order;
  u.orders += 1;
}

/// A bound on orders ends every loop. But from COMMIT and BACK on a lost answer, a power cut or a restart of the daemon
/// is not the member's fault: one that does what it is told is not given up for them.
bool Turn::may_order() const {
  const Update& u = *child_.update;
  const bool is_decided = u.decision == Decision::commit || u.decision == Decision::back;
  const bool has_refused = was_carried_out_ || u.cause.reason == Reason::confirm_refused;
  const bool may_be_lost = !is_alone() || (u.decision == Decision::back && may_be_reinstalled(state_, child_));
  return u.orders < (may_be_lost && is_decided && !has_refused ? kMaxLostOrders : kMaxOrders);
}

void Turn::agree_to_activate() {
  Update& u = update();
  use_permit(state_, child_, now_, out_);
  for (Part& part : u.parts) {
    const Slot* active = child_.seen->active(part.image_number);
    part.before = active == nullptr ? Digest{} : active->digest;
  }
  u.decision = Decision::activate;
  u.orders = 0;
  u.until = now_ + swap_time();
}

/// What runs the new image already is only watched.
void Turn::activate() {
  Update& u = update();
  u.until = now_ + swap_time();
  if (brings_nothing(u.parts)) {
    child_.in_doubt = true;
    return enter(Phase::testing);
  }
  give(Order::activate);
  enter(Phase::activating);
}

void Turn::decide_commit() {
  Update& u = update();
  u.decision = Decision::commit;
  u.orders = 0;
  child_.gate = Gate::none;
  child_.in_round = false;
  if (!is_alone() && !child_.in_doubt && rests_on_new(*child_.seen, u.parts)) return end_confirmed();
  const bool runs_new =
      !child_.in_doubt && u.phase != Phase::staged && standing_of(*child_.seen, u.parts) == Standing::all_new;
  if (runs_new) return give(Order::confirm);
  child_.in_doubt = true;  // it may have fallen back while it held still
}

void Turn::decide_back(Cause cause) {
  Update& u = update();
  u.decision = Decision::back;
  u.order = Order::none;
  u.orders = 0;
  u.until = {};
  child_.in_doubt = true;
  enter(Phase::reverting, std::move(cause));
}

/// Not all new images run any more. After COMMIT the way is only forward, before it is back.
void Turn::fell_back(const Inspection& seen, Cause cause) {
  if (update().decision == Decision::commit) return go_forward(seen, std::move(cause));
  if (!is_alone() || !rests_on_old(seen, update().parts)) return decide_back(std::move(cause));
  rest_on_old(std::move(cause));
}

/// After COMMIT: once more, for as long as the new images are there.
void Turn::go_forward(const Inspection& seen, Cause cause) {
  Update& u = update();
  const bool is_possible = seen.is_in_recovery() || is_staged(seen, u.parts);
  if (!is_possible || !may_order()) return enter(Phase::split, std::move(cause));
  // A reset would take back what runs the new image unconfirmed, while it brings the other one.
  const bool is_under_test = std::ranges::any_of(u.parts, [&](const Part& part) {
    const Slot* active = seen.active(part.image_number);
    return active != nullptr && active->digest == part.after && !active->confirmed;
  });
  u.until = now_ + swap_time();
  give(is_under_test ? Order::confirm : Order::activate);
  enter(Phase::activating, std::move(cause));
}

/// The child runs the old images, confirmed, with nothing pending: all as before. Tried again, but for an update that
/// was aborted or had come to its end; a group's, when all of them have come back.
void Turn::rest_on_old(Cause cause) {
  Update& u = update();
  u.decision = Decision::back;
  if (wants_restore(child_.enrollment.restore, RestorePolicy::after_revert)) call_for_restore();
  if (is_alone() && cause.reason != Reason::aborted && u.phase != Phase::split)
    return fail_attempt(Phase::reverted, std::move(cause));
  u.order = Order::none;
  u.until = {};
  enter(Phase::reverted, std::move(cause));
}

void Turn::end_confirmed() {
  Update& u = update();
  u.decision = Decision::commit;
  u.order = Order::none;
  u.until = {};
  if (const auto found = state_.deliverables.find(u.deliverable); found != state_.deliverables.end()) {
    std::uint64_t& floor = child_.floors[found->second.product];
    floor = std::max(floor, found->second.sequence);
  }
  child_.committed = u.deliverable;
  if (wants_restore(child_.enrollment.restore, RestorePolicy::after_update)) call_for_restore();
  enter(Phase::confirmed);
}

/// Once for each attempt; what was owed from the one before is tried again.
void Turn::call_for_restore() {
  Update& u = update();
  if (u.backup.empty() || (u.restores > 0 && !is_backup_owed(u))) return;
  u.restore_is_due = true;
  u.restores = 0;
}

}  // namespace hg::core
