// SPDX-License-Identifier: Apache-2.0
#include "core/turn.hpp"

#include <algorithm>
#include <utility>

#include "core/bounds.hpp"
#include "core/preflight.hpp"

namespace hg::core {

void Turn::enter(Phase phase, Cause cause) {
  Update& u = update();
  child_.gate = Gate::none;
  child_.in_round = false;
  u.phase = phase;
  u.since = now_;
  if (is_end(phase) || (is_alone() && is_over(u))) u.views.clear();
  u.cause = cause;
  note(std::move(cause));
}

/// A line of history about the phase that the update is in.
void Turn::note(Cause cause) {
  const Update& u = update();
  out_.changes.emplace_back(PutHistory{now_, child_.enrollment.id, u.epoch, u.deliverable, u.phase, std::move(cause)});
}

void Turn::believe(const Inspection& seen) {
  judge(seen, false);
}

void Turn::order_done(const Inspection& seen) {
  judge(seen, true);
}

void Turn::offer_answered(const OfferAnswer& answer) {
  if (!child_.update || update().phase != Phase::offered) return;
  switch (answer.willing) {
    case Willing::yes:
      return enter(Phase::backing_up);
    case Willing::no:
      return enter(Phase::refused, {Reason::child_refused, answer.text});
    case Willing::later:
      return put_off(std::max(answer.at, now_ + patience().pause), {Reason::child_deferred, answer.text});
  }
}

void Turn::backed_up(const BackedUp& answer) {
  if (!answer.saved.empty() && !is_backup_owed(update())) update().backup = answer.saved;
  if (!answer.text.empty()) note({Reason::none, answer.text});
  enter(is_delivered_by_pivot(child_) ? Phase::staged : Phase::transferring);
}

void Turn::delivered() {
  Update& u = update();
  if (u.phase == Phase::reverting) {  // the image before, to one that keeps none
    child_.in_doubt = true;
    return;
  }
  u.delivered += 1;
  if (u.delivered < static_cast<std::size_t>(std::ranges::count_if(u.parts, changes))) return;
  if (u.decision != Decision::pivot) return enter(Phase::staged);
  child_.in_doubt = true;  // it installs as it receives: what it runs now is the answer
  u.until = now_ + swap_time();
  enter(Phase::activating);
}

void Turn::stages_otherwise(const Inspection& seen) {
  if (update().phase == Phase::reverting) return believe(seen);
  remember(seen);
  child_.unanswered = 0;
  child_.in_doubt = false;
  if (update().decision == Decision::pivot) return delivery_to_pivot_failed();
  Cause cause = check_staging(seen);
  if (seen.is_in_recovery())
    cause = {Reason::in_recovery, "nothing was sent: the child has fallen into its bootloader's recovery"};
  else if (cause.reason == Reason::none)
    cause = {Reason::transfer_failed, "nothing was sent: the child runs an application again"};
  fail_attempt(Phase::deferred, std::move(cause));
}

void Turn::restored() {
  update().restores = 1;
  end_restore({Reason::restored, "its configuration was written back"});
}

/// Before anything is sent the child is then asked anew.
void Turn::end_restore(Cause cause) {
  update().restore_is_due = false;
  if (update().phase == Phase::preflight) child_.in_doubt = true;
  note(std::move(cause));
}

void Turn::forget_backup(const std::string& why) {
  if (!child_.update || update().backup.empty()) return;
  const bool was_due = std::exchange(update().restore_is_due, false);
  const bool was_owed = is_backup_owed(update());
  update().backup = {};
  update().restores = 0;
  if (was_due || was_owed) note({Reason::restore_failed, why + ": what was saved is not written to it"});
}

void Turn::time_passed() {
  child_.quiet_until = {};
  if (!child_.update || is_over(update())) {
    child_.in_doubt = true;
    return;
  }
  Update& u = update();
  if (!child_.online) return gone_too_long();
  const bool is_watched = u.phase == Phase::testing && u.order == Order::none;
  const bool holds_still = child_.gate != Gate::none || is_forced_along(u);
  if ((holds_still || is_watched) && !child_.in_doubt) {  // is it still as it was, and well?
    child_.in_doubt = true;
    if (is_watched || awaits_report(child_)) u.until = now_ + swap_time();
  }
  if (waits_for_time(u) && now_ >= u.until && !is_to_restore(child_)) begin_attempt();
}

Result<void> Turn::abort() {
  if (!child_.update || is_over(update())) return Error{Errc::not_found, "the update has ended"};
  Update& u = update();
  const Cause aborted{Reason::aborted, "aborted by an operator"};
  if (u.order != Order::none) child_.in_doubt = true;
  const bool is_silent = !child_.online || std::max(child_.unanswered, child_.losses) >= kMaxUnanswered;
  const bool goes_only_forward = u.decision == Decision::commit || (u.decision == Decision::pivot && u.pivot) ||
                                 (u.decision == Decision::activate && is_alone() && !knows_way_back(u.parts));
  if (is_silent && (goes_only_forward || u.phase == Phase::reverting)) {
    u.order = Order::none;
    enter(Phase::split, {Reason::aborted, "given up by an operator while the child does not answer"});
    return {};
  }
  if (u.decision == Decision::commit)
    return Error{Errc::busy, "the new image is committed: it can only be followed by another update"};
  if (u.decision == Decision::pivot)
    return Error{Errc::busy, "a member that cannot be brought back is being activated: its report decides"};
  if (u.decision == Decision::activate) {
    if (is_alone() && !knows_way_back(u.parts))
      return Error{Errc::busy, "nothing is known that the child could go back to"};
    decide_back(aborted);
  } else if (u.phase == Phase::reverting) {
    enter(Phase::reverting, aborted);
  } else {
    withdraw(aborted);
  }
  return {};
}

void Turn::withdraw(Cause cause) {
  Update& u = update();
  if (u.order != Order::none) child_.in_doubt = true;
  u.until = {};
  u.order = Order::none;
  enter(u.phase == Phase::reverted ? Phase::reverted : Phase::cancelled, std::move(cause));
}

namespace {

Digest backup_of(const Remembered& child) {
  return child.update ? child.update->backup : Digest{};
}

}  // namespace

void close_turn(State& state, const Remembered& before, Child& child, Output& out) {
  if (!(before == child)) out.changes.emplace_back(PutChild{child});
  const Digest backup = backup_of(before);
  note_backup(state, backup, backup_of(child));
  if (!backup.empty() && backup != backup_of(child) && !needs_blob(state, backup)) out.unneeded.push_back(backup);
  renew_step(state, child, out);
}

void renew_step(const State& state, Child& child, Output& out) {
  Step step = next_step(state, child);
  if (step == child.step) return;
  // What resets may bring up another board, or another image that does not know its key.
  const bool resets = std::holds_alternative<Activate>(step) || std::holds_alternative<Revert>(step);
  if (resets) child.identified = Identified::no;
  child.step = step;
  child.step_number += 1;
  out.actions.push_back(Action{child.enrollment.id, child.step_number, std::move(step)});
}

bool is_before_activate(Phase phase) {
  return phase == Phase::offered || phase == Phase::backing_up || phase == Phase::transferring ||
         phase == Phase::staged;
}

bool is_to_restore(const Child& child) {
  if (!child.update || !child.update->restore_is_due || !child.seen) return false;
  if (child.enrollment.restore == RestorePolicy::never || child.seen->is_in_recovery()) return false;
  switch (child.update->phase) {
    case Phase::confirmed:
      return rests_on_new(*child.seen, child.update->parts);
    case Phase::reverted:
      return rests_on_old(*child.seen, child.update->parts);
    case Phase::preflight:
    case Phase::refused:
    case Phase::deferred:
    case Phase::resting:
    case Phase::cancelled:
      return true;  // of the update before: this one has brought nothing yet
    default:
      return false;
  }
}

bool is_backup_owed(const Update& update) {
  return !update.backup.empty() && update.restores >= kMaxRestores;
}

Duration Turn::swap_time() const {
  return activation_time(patience(), size_of_change(state_, *child_.update));
}

}  // namespace hg::core
