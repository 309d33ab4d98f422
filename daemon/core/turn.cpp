// SPDX-License-Identifier: Apache-2.0
#include "core/turn.hpp"

#include <algorithm>

#include "core/conditions.hpp"
#include "core/preflight.hpp"
#include "core/trust_facts.hpp"

namespace hg::core {

namespace {

/// Orders that one attempt may give: more would be a child that does not do what it answers.
constexpr unsigned kMaxOrders = 6;
/// Of those, how often ACTIVATE is given again when nobody knows whether the last one was carried out: the child may
/// have tried the image and fallen back, which looks the same (smp.md 4.7).
constexpr unsigned kMaxUnsureOrders = 2;
/// Unanswered questions in a row before ACTIVATE until the attempt has failed.
constexpr unsigned kMaxUnanswered = 3;
constexpr Duration kLongestBackoff = std::chrono::hours{1};
constexpr Duration kLongestPause = std::chrono::minutes{10};

/// `base` doubled `times` times, at most `longest`.
Duration doubled(Duration base, unsigned times, Duration longest) {
  Duration result = base;
  for (unsigned i = 0; i < times && result < longest; ++i) result *= 2;
  return std::min(result, longest);
}

/// Up to a tenth of `base`, different for each child and attempt, the same for the same ones: children that failed
/// together do not come back together (FNV-1a).
Duration jitter(const ChildId& child, unsigned attempt, Duration base) {
  std::uint64_t hash = 14695981039346656037ULL ^ attempt;
  for (const char c : child) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return Duration{base.count() / 10 * static_cast<Duration::rep>(hash % 1000) / 1000};
}

std::string describe(const Slot* slot) {
  if (slot == nullptr) return "nothing that it calls active";
  return (slot->version.empty() ? "an image" : slot->version) + " (" + slot->digest.hex().substr(0, 12) + ")";
}

}  // namespace

void Turn::enter(Phase phase, Cause cause) {
  Update& u = update();
  u.phase = phase;
  u.since = now_;
  u.cause = cause;
  out_.changes.emplace_back(PutHistory{now_, child_.enrollment.id, u.epoch, u.deliverable, phase, std::move(cause)});
}

void Turn::fail_attempt(Phase phase, Cause cause) {
  Update& u = update();
  u.order = Order::none;
  u.orders = 0;
  u.attempts += 1;
  if (u.attempts >= patience().attempts) {
    u.attempts = 0;
    u.until = now_ + patience().rest;
    return enter(phase == Phase::reverted ? phase : Phase::resting, std::move(cause));
  }
  const Duration backoff = doubled(patience().backoff, u.attempts - 1, kLongestBackoff);
  u.until = now_ + backoff + jitter(child_.enrollment.id, u.attempts, backoff);
  enter(phase, std::move(cause));
}

void Turn::give(Order order) {
  Update& u = update();
  u.order = order;
  u.orders += 1;
}

void Turn::pause_before_next_question() {
  child_.unanswered += 1;
  child_.quiet_until = now_ + doubled(patience().pause, child_.unanswered - 1, kLongestPause);
}

bool Turn::runs_only(const Inspection& seen, const Digest& digest) const {
  const Slot* active = seen.active(child_.enrollment.image_number);
  return active != nullptr && active->digest == digest && active->confirmed &&
         !seen.anything_pending(child_.enrollment.image_number);
}

// ------------------------------------------------------------------------------------------------------- decisions

/// Whether neither a floor nor a condition of the image stands against it now; otherwise the update is refused, or put
/// off if time can heal it. Asked at preflight and, since that may be hours ago, again before ACTIVATE. Conditions are
/// about installing: they do not matter to a child that runs the image already.
bool Turn::is_allowed(const Image& image) {
  Update& u = update();
  const auto permit = find_permit(state_, child_, state_.deliverables.at(u.deliverable), now_);
  Cause cause;
  if (std::holds_alternative<Cause>(permit))
    cause = std::get<Cause>(permit);
  else if (!runs_only(*child_.seen, u.after))
    cause = judge_conditions(state_, child_, image, now_);
  u.permit = cause.reason == Reason::none ? std::get<PermitId>(permit) : PermitId{};
  switch (cause.reason) {
    case Reason::none:
      return true;
    case Reason::time_unknown:
      put_off(now_ + patience().look_again, cause);
      break;
    case Reason::too_early:
      put_off(*image.conditions.not_before, cause);
      break;
    default:
      enter(Phase::refused, cause);
  }
  return false;
}

/// Tried again later, without a failure to be counted.
void Turn::put_off(Instant until, Cause cause) {
  update().until = until;
  enter(Phase::deferred, std::move(cause));
}

void Turn::decide_activate(const Digest& before) {
  Update& u = update();
  use_permit(state_, child_, now_, out_);
  u.before = before;
  u.decision = Decision::activate;
  u.orders = 0;
  u.until = now_ + patience().swap;
  give(Order::activate);
  enter(Phase::activating);
}

void Turn::decide_commit() {
  update().decision = Decision::commit;
  update().orders = 0;
  give(Order::confirm);
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

/// The child runs the old image, confirmed, with nothing pending: all as before.
void Turn::rest_on_old(Cause cause) {
  Update& u = update();
  u.decision = Decision::back;
  if (cause.reason != Reason::aborted) return fail_attempt(Phase::reverted, std::move(cause));
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
  enter(Phase::confirmed);
}

// ------------------------------------------------------------------------------------------------------- judgements

void Turn::believe(const Inspection& seen) {
  judge(seen, false);
}

void Turn::order_done(const Inspection& seen) {
  judge(seen, true);
}

void Turn::judge(const Inspection& seen, bool order_was_done) {
  const bool needs_active = child_.update && (update().phase == Phase::activating || update().phase == Phase::testing ||
                                              update().phase == Phase::reverting);
  if (needs_active && seen.active(image_number()) == nullptr)
    return step_failed({Errc::invalid, "the child does not say which image runs"});
  child_.seen = seen;
  child_.last_seen = now_;
  child_.unanswered = 0;
  child_.quiet_until = {};
  child_.in_doubt = false;
  if (!child_.update) return;
  update().order = Order::none;
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
    case Phase::transferring:  // only inspected when the deliverable is gone: preflight says so
      enter(Phase::preflight);
      return judge_preflight(seen);
    default:
      return;  // what it says is remembered; these phases do not hang on it
  }
}

/// The child had confirmed the new image and now runs another one: reverted or reflashed behind our back.
void Turn::notice_local_change(const Inspection& seen) {
  const Slot* active = seen.active(image_number());
  if (active == nullptr || active->digest == update().after) return;
  const bool is_old = runs_only(seen, update().before);
  enter(is_old ? Phase::reverted : Phase::split, {Reason::third_version, "the child now runs " + describe(active)});
}

/// An update that began in the middle of somebody else's test learns what ran before from the child's fall.
void Turn::learn_before(const Inspection& seen) {
  const Slot* active = seen.active(image_number());
  if (update().before.empty() && active != nullptr && active->confirmed && active->digest != update().after)
    update().before = active->digest;
}

void Turn::judge_preflight(const Inspection& seen) {
  Update& u = update();
  const auto deliverable = state_.deliverables.find(u.deliverable);
  if (deliverable == state_.deliverables.end())
    return enter(Phase::refused, {Reason::does_not_fit, "the deliverable is gone"});
  const auto choice = choose_image(deliverable->second, child_);
  if (const Cause* cause = std::get_if<Cause>(&choice)) return enter(Phase::refused, *cause);
  const Image& image = *std::get<const Image*>(choice);
  if (Cause cause = check_slots(seen, child_.enrollment, image); cause.reason != Reason::none)
    return enter(Phase::refused, std::move(cause));
  u.image = image.digest;
  u.after = image.running_digest;
  if (!is_allowed(image)) return;

  const Slot& active = *seen.active(image_number());
  if (runs_only(seen, u.after)) return end_confirmed();
  if (active.digest == u.after && !active.confirmed) {  // somebody has begun to test it: go on from there
    const auto fallback = std::ranges::find_if(
        seen.slots, [&](const Slot& s) { return s.image == image_number() && !s.active && s.confirmed; });
    u.before = fallback == seen.slots.end() ? Digest{} : fallback->digest;
    u.decision = Decision::activate;
    use_permit(state_, child_, now_, out_);
    enter(Phase::testing);
    return judge_testing(seen);
  }
  const Slot* staged = seen.standby(image_number(), u.after);
  if (staged != nullptr && staged->pending) return decide_activate(active.digest);
  if (!active.confirmed || seen.anything_pending(image_number())) return settle_foreign_mark(seen);
  if (seen.busy) return fail_attempt(Phase::deferred, {Reason::child_busy, "the child asks not to be disturbed"});
  u.before = active.digest;
  enter(Phase::offered);
}

/// Something that is not ours is marked or under test: it is played through before anything is sent (smp.md 4.3).
void Turn::settle_foreign_mark(const Inspection& seen) {
  Update& u = update();
  if (u.orders >= 2)
    return fail_attempt(Phase::deferred, {Reason::third_version, "another image is under test on the child"});
  const Slot* active = seen.active(image_number());
  const auto confirmed = std::ranges::find_if(
      seen.slots, [&](const Slot& s) { return s.image == image_number() && !s.active && s.confirmed; });
  u.before = (active->confirmed || confirmed == seen.slots.end()) ? active->digest : confirmed->digest;
  give(Order::revert);
}

void Turn::judge_staged(const Inspection& seen) {
  const Update& u = update();
  const Slot* active = seen.active(image_number());
  const Image* image = image_of(state_, u);
  if (image == nullptr || (active != nullptr && active->digest == u.after)) {
    enter(Phase::preflight);
    return judge_preflight(seen);
  }
  if (active == nullptr || active->digest != u.before)
    return fail_attempt(Phase::deferred, {Reason::third_version, "the child now runs " + describe(active)});
  if (seen.standby(image_number(), u.after) == nullptr)
    return fail_attempt(Phase::deferred,
                        {Reason::transfer_failed, "the image was sent but the child does not list it"});
  if (is_allowed(*image)) decide_activate(active->digest);
}

void Turn::judge_activating(const Inspection& seen, bool order_was_done) {
  Update& u = update();
  const Slot* active = seen.active(image_number());
  if (active->digest == u.after) {
    enter(Phase::testing);
    return judge_testing(seen);
  }
  if (active->digest != u.before)
    return enter(Phase::split, {Reason::third_version, "the child runs " + describe(active)});
  const Slot* staged = seen.standby(image_number(), u.after);
  const bool reset_is_missing = staged != nullptr && staged->pending;
  const bool nothing_was_done = staged != nullptr && !staged->pending && !order_was_done;
  if ((reset_is_missing && u.orders < kMaxOrders) || (nothing_was_done && u.orders < kMaxUnsureOrders)) {
    u.until = now_ + patience().swap;
    return give(Order::activate);
  }
  if (reset_is_missing) return fell_back(seen, {Reason::activation_failed, "the child is marked but does not reset"});
  if (nothing_was_done && u.cause.reason == Reason::activation_failed) return fell_back(seen, u.cause);
  fell_back(seen, {Reason::came_back_old, "the child came back with " + describe(active)});
}

/// The child runs the old image where the new one was to run. After COMMIT the way is only forward, before it is back.
void Turn::fell_back(const Inspection& seen, Cause cause) {
  Update& u = update();
  if (u.decision == Decision::commit) {
    if (seen.standby(image_number(), u.after) == nullptr || u.orders >= kMaxOrders)
      return enter(Phase::split, std::move(cause));
    u.until = now_ + patience().swap;
    give(Order::activate);
    return enter(Phase::activating, std::move(cause));
  }
  if (!runs_only(seen, u.before)) return decide_back(std::move(cause));
  rest_on_old(std::move(cause));
}

/// Split is left by the child's own report.
void Turn::judge_split(const Inspection& seen) {
  Update& u = update();
  if (u.decision != Decision::back && runs_only(seen, u.after)) return end_confirmed();
  if (u.decision == Decision::commit || u.before.empty() || !runs_only(seen, u.before)) return;
  u.decision = Decision::back;
  u.until = {};
  enter(Phase::reverted, {Reason::came_back_old, "the child runs the old image again"});
}

void Turn::judge_testing(const Inspection& seen) {
  Update& u = update();
  learn_before(seen);
  const Slot* active = seen.active(image_number());
  if (runs_only(seen, u.after)) return end_confirmed();
  if (active->digest == u.after) {
    if (u.decision == Decision::commit) {
      if (u.orders < kMaxOrders) return give(Order::confirm);
      return enter(Phase::split, {Reason::confirm_refused, "the child runs the new image but will not confirm it"});
    }
    u.until = now_ + patience().swap;
    u.since = std::min(u.since, now_);  // the clock may have been set back
    if (now_ >= u.since + patience().health) decide_commit();
    return;
  }
  if (active->digest != u.before)
    return enter(Phase::split, {Reason::third_version, "the child runs " + describe(active)});
  fell_back(seen, {Reason::came_back_old, "the child fell back to " + describe(active)});
}

void Turn::judge_reverting(const Inspection& seen) {
  Update& u = update();
  learn_before(seen);
  const Slot* active = seen.active(image_number());
  if (runs_only(seen, u.before)) return rest_on_old(u.cause);
  const bool known = active->digest == u.before || active->digest == u.after;
  if (!known) return enter(Phase::split, {Reason::third_version, "the child runs " + describe(active)});
  const bool stuck_on_new = active->digest == u.after && active->confirmed && !seen.anything_pending(image_number()) &&
                            seen.standby(image_number(), u.before) == nullptr;
  if (stuck_on_new)
    return enter(Phase::split, {u.cause.reason, "the child has confirmed the new image and no longer has the old one"});
  if (u.orders >= kMaxOrders)
    return enter(Phase::split, {u.cause.reason, "the child does not go back: it runs " + describe(active)});
  if (u.orders > 0) child_.quiet_until = now_ + doubled(patience().pause, u.orders, kLongestPause);
  give(Order::revert);
}

// --------------------------------------------------------------------------------------------------- other answers

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

void Turn::step_failed(const Error& error) {
  child_.in_doubt = true;
  pause_before_next_question();
  const bool waits = !child_.update || is_over(update()) || waits_for_time(update());
  if (waits || !child_.online) return;
  Update& u = update();
  // From ACTIVATE on no phase may end by silence alone, so silence gets a line of its own.
  if (child_.unanswered == kMaxUnanswered && u.decision != Decision::none)
    out_.changes.emplace_back(PutHistory{
        now_, child_.enrollment.id, u.epoch, u.deliverable, u.phase, {Reason::not_answering, error.message}});
  const bool link_trouble = error.code == Errc::unavailable || error.code == Errc::cancelled;
  switch (u.phase) {
    case Phase::preflight:
    case Phase::staged:
      if (child_.unanswered >= kMaxUnanswered) fail_attempt(Phase::deferred, {Reason::not_answering, error.message});
      return;
    case Phase::offered:
    case Phase::backing_up:
    case Phase::transferring:
      if (!link_trouble || child_.unanswered >= kMaxUnanswered)
        fail_attempt(Phase::deferred, {Reason::transfer_failed, error.message});
      return;
    case Phase::activating:
    case Phase::testing:
      return silent_in_activation(error);
    default:
      return;  // reverting has no time limit: it is tried again after the pause
  }
}

/// After ACTIVATE silence is no answer: the child is asked again until the time for a swap has passed, then BACK.
void Turn::silent_in_activation(const Error& error) {
  Update& u = update();
  const bool was_an_order = std::exchange(u.order, Order::none) != Order::none;
  if (u.decision == Decision::commit) {
    u.cause = {error.code == Errc::denied ? Reason::confirm_refused : Reason::not_answering, error.message};
    return;
  }
  if (was_an_order) {  // its own deadline is longer than the one here: the child is asked before anything is decided
    u.cause = {Reason::activation_failed, error.message};
    u.until = std::max(u.until, now_ + patience().swap);
  }
  if (now_ >= u.until) decide_back({Reason::not_answering, error.message});
}

void Turn::time_passed() {
  child_.quiet_until = {};
  if (!child_.update || is_over(update())) {
    child_.in_doubt = true;
    return;
  }
  Update& u = update();
  if (u.phase == Phase::testing && u.order == Order::none && !child_.in_doubt) {  // is it still well?
    child_.in_doubt = true;
    u.until = now_ + patience().swap;
  }
  if (!waits_for_time(u) || now_ < u.until) return;
  u.decision = Decision::none;
  u.order = Order::none;
  u.orders = 0;
  u.until = {};
  enter(Phase::preflight);
}

Result<void> Turn::abort() {
  if (!child_.update || is_over(update())) return Error{Errc::not_found, "the update has ended"};
  Update& u = update();
  const Cause aborted{Reason::aborted, "aborted by an operator"};
  if (u.order != Order::none) child_.in_doubt = true;
  const bool is_silent = !child_.online || child_.unanswered >= kMaxUnanswered;
  if (is_silent && (u.decision == Decision::commit || u.phase == Phase::reverting)) {
    u.order = Order::none;
    enter(Phase::split, {Reason::aborted, "given up by an operator while the child does not answer"});
    return {};
  }
  if (u.decision == Decision::commit)
    return Error{Errc::busy, "the new image is committed: it can only be followed by another update"};
  if (u.decision == Decision::activate) {
    decide_back(aborted);
  } else if (u.phase == Phase::reverting) {
    enter(Phase::reverting, aborted);
  } else {
    const bool rests_on_old = u.phase == Phase::reverted;
    u.until = {};
    u.order = Order::none;
    enter(rests_on_old ? Phase::reverted : Phase::cancelled, aborted);
  }
  return {};
}

}  // namespace hg::core
