// SPDX-License-Identifier: Apache-2.0
// What an inspection means in each phase. The child is believed: what it runs is what it says now.
#include <algorithm>
#include <utility>

#include "core/bounds.hpp"
#include "core/preflight.hpp"
#include "core/protection_judgement.hpp"
#include "core/trust_facts.hpp"
#include "core/turn.hpp"

namespace hg::core {

namespace {

/// What an inspection lacks to say what became of an order, so that the child is asked again; empty: nothing.
/// A child may well pass through its recovery on its way up. After COMMIT, and when it ran nothing before, there is
/// nothing else to wait for, and in reverting it has to be reset.
std::string_view lack_of(const Inspection& seen, const Update& u) {
  const bool comes_up = u.phase == Phase::activating || u.phase == Phase::testing;
  const bool is_to_come_up = is_forced_along(u) && u.decision == Decision::commit;
  if (!comes_up && !is_to_come_up && u.phase != Phase::reverting) return {};
  const Standing standing = standing_of(seen, u.parts);
  if (standing == Standing::untold) return "the child does not say which image runs";
  const bool has_way_back = !u.group.empty() || knows_way_back(u.parts);
  if (standing == Standing::nothing && comes_up && u.decision != Decision::commit && has_way_back)
    return "the child runs nothing: it is in its bootloader's recovery";
  return {};
}

/// Whether the child's own counter shows that it has started since it said `earlier`. One that did not move proves
/// nothing: it may be lost with the power.
bool has_started_since(const Inspection& seen, const std::optional<Inspection>& earlier) {
  return earlier && earlier->boots && seen.boots && *seen.boots != *earlier->boots;
}

/// Of a child that installs as it receives, and still says that it runs the old image.
Cause why_not_installed(const Inspection& seen, const Parts& parts) {
  const std::string what_runs = describe(seen, parts);
  if (is_mark_begun(seen, parts))
    return {Reason::not_told, "it was served the whole image, and says nothing but " + what_runs};
  return {Reason::came_back_old, "it took the image and still runs " + what_runs};
}

/// Whether the images were to be kept without a confirm: by the order, which tests only what reverts by itself, or by
/// somebody's mark that was found.
bool was_marked_for_good(const std::optional<Inspection>& earlier, const Parts& parts) {
  if (!earlier) return false;
  const auto is_for_good = [&](const Part& part) {
    const Slot* standby = earlier->standby(part.image_number, part.after);
    return standby != nullptr && standby->permanent;
  };
  return earlier->revert_class == RevertClass::irrevocable || std::ranges::any_of(parts, is_for_good);
}

}  // namespace

/// In its bootloader's recovery a child does not know its unit: it stays what its application has said.
void Turn::remember(const Inspection& seen) {
  earlier_ = std::exchange(child_.seen, seen);
  if (seen.is_in_recovery() && earlier_) child_.seen->unit = earlier_->unit;
  child_.last_seen = now_;
  if (has_started_since(seen, earlier_)) child_.identified = Identified::no;
}

void Turn::judge(const Inspection& seen, bool order_was_done) {
  const bool is_another =
      child_.seen && !child_.seen->identity.empty() && !seen.identity.empty() && child_.seen->identity != seen.identity;
  if (is_another) forget_backup("it says that it is " + seen.identity + ", no longer " + child_.seen->identity);
  const std::string_view lack = child_.update ? lack_of(seen, update()) : std::string_view{};
  if (seen.is_in_recovery() || lack.empty()) remember(seen);
  if (!lack.empty()) return step_failed({Errc::invalid, std::string(lack)});
  was_carried_out_ = order_was_done;
  if (!is_nobody_known()) child_.unanswered = 0;
  child_.quiet_until = {};
  child_.in_doubt = false;
  child_.gate = Gate::none;
  if (!child_.update) return;
  update().order = Order::none;
  if (is_forced_along(update())) return judge_forced_along(seen);
  if (seen.is_in_recovery()) return judge_recovery(seen, order_was_done);
  judge_phase(seen, order_was_done);
}

void Turn::judge_phase(const Inspection& seen, bool order_was_done) {
  switch (update().phase) {
    case Phase::preflight:
      return judge_preflight(seen);
    case Phase::staged:
      return judge_staged(seen);
    case Phase::activating:
      return judge_activating(seen, order_was_done);
    case Phase::testing:
      return judge_testing(seen);
    case Phase::reverting:
      return judge_reverting(seen);
    case Phase::confirmed:
      return notice_local_change(seen);
    case Phase::split:
      return judge_split(seen);
    case Phase::offered:
    case Phase::backing_up:
    case Phase::transferring:  // only inspected when it may not be sent any more: preflight says why; or a pivot in
                               // doubt
      if (update().decision == Decision::pivot) return judge_pivot(seen, false);
      return start_over(seen, cause_to_choose_again());
    default:
      return;  // what it says is remembered; these phases do not hang on it
  }
}

/// The child runs nothing. That ends no update that has something to go back to before COMMIT: lack_of() has kept it.
void Turn::judge_recovery(const Inspection& seen, bool order_was_done) {
  Update& u = update();
  const Cause cause{Reason::in_recovery, "the child runs nothing: it is in its bootloader's recovery"};
  switch (u.phase) {
    case Phase::staged:
      // What was to be brought beside an image may now stand in its place, or nowhere: preflight finds out.
      if (!is_alone() || knows_way_back(u.parts)) return fail_attempt(Phase::deferred, cause);
      if (!are_parts_still_chosen(state_, child_)) {
        enter(Phase::preflight);
        return judge_preflight(seen);
      }
      if (choose(seen) && is_allowed()) reach(Gate::staged);
      return;
    case Phase::activating:
    case Phase::testing:
      if (u.decision == Decision::commit) return go_forward(seen, cause);
      if (u.phase == Phase::activating && !order_was_done && u.orders < kMaxUnsureOrders) {
        u.until = now_ + swap_time();
        return give(Order::activate);
      }
      return fail_attempt(Phase::deferred, cause);
    case Phase::confirmed:
      return enter(Phase::split, cause);
    default:
      return judge_phase(seen, order_was_done);
  }
}

// ------------------------------------------------------------------------------------------------- before ACTIVATE

/// Chooses the parts anew; false: the update was refused, or put off since the child does not say all that runs.
bool Turn::choose(const Inspection& seen) {
  Update& u = update();
  const auto deliverable = state_.deliverables.find(u.deliverable);
  if (deliverable == state_.deliverables.end()) {
    enter(Phase::refused, {Reason::does_not_fit, "the deliverable is gone"});
    return false;
  }
  auto choice = choose_parts(state_, deliverable->second, child_, now_);
  Cause cause;
  if (Parts* parts = std::get_if<Parts>(&choice)) {
    cause = check_slots(seen, *parts);
    if (standing_of(seen, *parts) == Standing::untold && cause.reason == Reason::cannot_verify) {
      fail_attempt(Phase::deferred, std::move(cause));  // another core may not be up yet
      return false;
    }
    if (cause.reason == Reason::none) u.parts = std::move(*parts);
  } else {
    cause = std::get<Cause>(choice);
  }
  u.delivered = 0;
  if (cause.reason == Reason::none) return true;
  if (cause.reason == Reason::time_unknown) {
    put_off(now_ + patience().look_again, std::move(cause));
    return false;
  }
  enter(Phase::refused, std::move(cause));
  return false;
}

void Turn::judge_preflight(const Inspection& seen) {
  if (!choose(seen) || !is_allowed()) return;
  const bool is_there = rests_on_new(seen, update().parts);
  if (is_alone() && is_there) return end_confirmed();
  if (Cause cause = check_staging(seen); !is_there && cause.reason != Reason::none)
    return enter(Phase::refused, std::move(cause));
  begin(seen);
}

void Turn::begin(const Inspection& seen) {
  Update& u = update();
  if (seen.is_in_recovery() && !is_alone())
    return fail_attempt(Phase::deferred, {Reason::in_recovery, "the member runs nothing: repair its group first"});
  if (seen.is_in_recovery())  // nothing runs there that could be asked, or that has a configuration
    return enter(Phase::transferring, {Reason::in_recovery, "a rescue: what the child has is overwritten"});
  for (Part& part : u.parts) part.before = fallback_of(seen, part.image_number);
  const bool is_all_new = standing_of(seen, u.parts) == Standing::all_new;
  const auto is_confirmed = [&](const Part& part) { return seen.active(part.image_number)->confirmed; };
  if (is_alone() && is_all_new && !std::ranges::all_of(u.parts, is_confirmed)) {
    u.decision = Decision::activate;  // somebody has begun to test it: go on from there
    u.orders = 0;
    use_permit(state_, child_, now_, out_);
    enter(Phase::testing);
    return judge_testing(seen);
  }
  if (!is_ready(seen)) return;  // before any reset, also one that plays a mark through
  const bool has_marks = seen.revert_class != RevertClass::unstageable;  // else what it was served is all there is
  if (has_marks && is_alone() && is_marked(seen, u.parts)) {
    agree_to_activate();
    return activate();
  }
  if (has_marks && !is_at_rest(seen, u.parts)) return settle_foreign_mark(seen);
  if (must_identify(child_)) return;  // before anything is offered or sent
  if (is_to_restore(child_)) return;  // what the update before still owes it comes first
  reach(Gate::preflight);
}

/// Something that is not ours is marked or under test: it is played through before anything is sent (smp.md 4.3).
void Turn::settle_foreign_mark(const Inspection& seen) {
  Update& u = update();
  if (u.orders >= kMaxForeignMarks)
    return fail_attempt(Phase::deferred, {Reason::third_version, "another image is under test on the child"});
  for (Part& part : u.parts)
    if (part.before.empty()) part.before = seen.active(part.image_number)->digest;
  give(Order::revert);
}

void Turn::judge_staged(const Inspection& seen) {
  const Update& u = update();
  const Standing standing = standing_of(seen, u.parts);
  const Cause other{Reason::third_version, "the child now runs " + describe(seen, u.parts)};
  const bool is_new = standing == Standing::all_new && !brings_nothing(u.parts);
  if (is_new || !are_parts_still_chosen(state_, child_)) return start_over(seen, other);
  if (standing != Standing::as_before && standing != Standing::all_new) return fail_attempt(Phase::deferred, other);
  if (is_alone() && seen.revert_class == RevertClass::unstageable && !brings_nothing(u.parts))
    return fail_attempt(Phase::deferred, why_not_installed(seen, u.parts));
  if (!is_alone() && !is_at_rest(seen, u.parts))
    return fail_attempt(Phase::deferred, {Reason::third_version, "somebody has marked an image on the child"});
  if (!is_staged(seen, u.parts) && !is_delivered_by_pivot(child_))
    return fail_attempt(Phase::deferred,
                        {Reason::transfer_failed, "the image was sent but the child does not list it"});
  if (u.decision != Decision::none) return reach(Gate::staged);
  if (!is_alone() && !is_touched_last(u) && !can_be_brought_back(state_, child_))
    return fail_attempt(Phase::deferred, {Reason::revert_class_not_allowed, "it could not be brought back any more"});
  if (is_ready(seen) && is_allowed() && !must_identify(child_)) reach(Gate::staged);
}

// ---------------------------------------------------------------------------------------------------- from ACTIVATE

void Turn::judge_activating(const Inspection& seen, bool order_was_done) {
  Update& u = update();
  if (u.decision == Decision::pivot) return judge_pivot(seen, order_was_done);
  const std::string what_runs = describe(seen, u.parts);
  switch (standing_of(seen, u.parts)) {
    case Standing::all_new:
      was_carried_out_ = false;  // and it did what it was told: whether it confirms is another question
      enter(Phase::testing);
      return judge_testing(seen);
    case Standing::as_before:
      return judge_old_after_activate(seen, order_was_done);
    case Standing::mixed:
      return fell_back(seen, {Reason::activation_failed, "the child took only some of the images: " + what_runs});
    default:
      break;
  }
  const Cause cause{Reason::third_version, "the child runs " + what_runs};
  const bool is_rescue = is_alone() && u.decision == Decision::activate && !knows_way_back(u.parts);
  if (is_rescue) return fail_attempt(Phase::deferred, cause);  // it was not as broken as it seemed, or has help
  enter(Phase::split, cause);
}

/// All as before, and the question is whether the order was ever carried out.
void Turn::judge_old_after_activate(const Inspection& seen, bool order_was_done) {
  Update& u = update();
  const bool is_there = is_staged(seen, u.parts);
  const bool reset_is_missing = is_there && is_mark_begun(seen, u.parts);
  const bool nothing_was_done = is_there && !reset_is_missing && !order_was_done && !has_started_since(seen, earlier_);
  if ((reset_is_missing && may_order()) || (nothing_was_done && u.orders < kMaxUnsureOrders)) {
    u.until = now_ + swap_time();
    return give(Order::activate);
  }
  if (reset_is_missing) return fell_back(seen, {Reason::activation_failed, "the child is marked but does not reset"});
  if (nothing_was_done && u.cause.reason == Reason::activation_failed) return fell_back(seen, u.cause);
  fell_back(seen, {Reason::came_back_old, "the child came back with " + describe(seen, u.parts)});
}

void Turn::judge_testing(const Inspection& seen) {
  Update& u = update();
  if (u.decision == Decision::pivot) return judge_pivot(seen, false);
  learn_before(seen);
  notice_self_confirmation(seen);
  const bool may_end = is_alone() || u.decision == Decision::commit;
  const bool is_known = !must_identify(child_);  // else it is no answer until it is known whose
  if (may_end && is_known && rests_on_new(seen, u.parts)) return end_confirmed();
  const Standing standing = standing_of(seen, u.parts);
  if (standing == Standing::third)
    return enter(Phase::split, {Reason::third_version, "the child runs " + describe(seen, u.parts)});
  if (standing != Standing::all_new)
    return fell_back(seen, {Reason::came_back_old, "the child fell back to " + describe(seen, u.parts)});
  if (!is_known) return;
  if (u.decision == Decision::commit) {
    if (may_order()) return give(Order::confirm);
    return enter(Phase::split, {Reason::confirm_refused, "the child runs the new image but will not confirm it"});
  }
  u.until = now_ + swap_time();
  u.since = std::min(u.since, now_);  // the clock may have been set back
  if (now_ >= u.since + patience().health) reach(Gate::healthy);
}

void Turn::judge_reverting(const Inspection& seen) {
  Update& u = update();
  learn_before(seen);
  if (rests_on_old(seen, u.parts)) return rest_on_old(u.cause);
  if (standing_of(seen, u.parts) == Standing::third)
    return enter(Phase::split, {Reason::third_version, "the child runs " + describe(seen, u.parts)});
  if (is_stuck_on_new(seen, u.parts) && !may_be_reinstalled(state_, child_))
    return enter(Phase::split, {u.cause.reason, "the child has confirmed the new image and no longer has the old one"});
  if (!may_order())
    return enter(Phase::split, {u.cause.reason, "the child does not go back: it runs " + describe(seen, u.parts)});
  if (u.orders > 0) child_.quiet_until = now_ + doubled(patience().pause, u.orders, kLongestPause);
  give(Order::revert);
}

/// Split is left by the child's own report.
void Turn::judge_split(const Inspection& seen) {
  Update& u = update();
  if (u.decision == Decision::pivot) return judge_pivot(seen, false);
  if (u.decision != Decision::back && rests_on_new(seen, u.parts)) return end_confirmed();
  if (u.decision == Decision::commit || !rests_on_old(seen, u.parts)) return;
  rest_on_old({Reason::came_back_old, "the child runs the old image again"});
}

/// The child had confirmed the new images and now runs others: reverted or reflashed behind our back.
void Turn::notice_local_change(const Inspection& seen) {
  const Parts& parts = update().parts;
  const Standing standing = standing_of(seen, parts);
  if (standing == Standing::all_new || standing == Standing::untold) return;
  enter(rests_on_old(seen, parts) ? Phase::reverted : Phase::split,
        {Reason::third_version, "the child now runs " + describe(seen, parts)});
}

/// A self-reverting child that runs a new image confirmed, though nobody confirmed it or marked it for good, is none.
void Turn::notice_self_confirmation(const Inspection& seen) {
  const Update& u = update();
  const bool is_ours = u.decision == Decision::activate && u.orders > 0 && knows_way_back(u.parts);
  if (!is_ours || child_.confirms_itself || seen.revert_class != RevertClass::self_reverting) return;
  const auto is_confirmed = [&](const Part& part) {
    const Slot* active = seen.active(part.image_number);
    return changes(part) && active->digest == part.after && active->confirmed;
  };
  if (std::ranges::none_of(u.parts, is_confirmed) || was_marked_for_good(earlier_, u.parts)) return;
  child_.confirms_itself = true;
  note({Reason::none, "the child confirms a new image by itself: no test of one will revert by itself"});
}

/// An update that began in the middle of somebody else's test, or as a rescue, learns what there was from the child's
/// fall.
void Turn::learn_before(const Inspection& seen) {
  for (Part& part : update().parts) {
    const Slot* active = seen.active(part.image_number);
    if (part.before.empty() && active != nullptr && active->confirmed && active->digest != part.after)
      part.before = active->digest;
  }
}

}  // namespace hg::core
