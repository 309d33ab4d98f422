// SPDX-License-Identifier: Apache-2.0
// What did not work: how often it is tried again, after what pauses, and what silence means in each phase.
#include <algorithm>
#include <string>
#include <utility>

#include "core/bounds.hpp"
#include "core/turn.hpp"

namespace hg::core {

namespace {

/// Up to a tenth of `base`, different for each child and attempt, the same for the same ones: children that failed
/// together do not come back together (FNV-1a).
Duration jitter(const ChildId& child, unsigned attempt, Duration base) {
  std::uint64_t hash = 14695981039346656037ULL ^ attempt;
  for (const char c : child) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return Duration{base.count() / 10 * static_cast<Duration::rep>(hash % 1000) / 1000};
}

bool is_link_trouble(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::cancelled;
}

/// Whether a child that is well keeps its link while it carries the step out.
bool keeps_its_link(const Step& step) {
  return std::holds_alternative<Inspect>(step) || std::holds_alternative<Offer>(step) ||
         std::holds_alternative<Backup>(step) || std::holds_alternative<Deliver>(step) ||
         std::holds_alternative<Identify>(step);
}

Error lost(unsigned times) {
  return {Errc::unavailable,
          times == 1 ? "the link was lost" : "the link was lost " + std::to_string(times) + " times"};
}

}  // namespace

/// A failure before ACTIVATE, or a return to the old image: counted, and tried again later or after a rest.
void Turn::fail_attempt(Phase phase, Cause cause) {
  Update& u = update();
  if (!is_alone() && u.decision == Decision::activate) return decide_back(std::move(cause));
  u.order = Order::none;
  u.orders = 0;
  child_.losses = 0;
  if (phase != Phase::reverted) u.decision = Decision::none;  // of this attempt, which has failed
  const bool rests = count_attempt();
  enter(rests && phase != Phase::reverted ? Phase::resting : phase, std::move(cause));
}

/// When the next attempt begins; whether it is after a rest.
bool Turn::count_attempt() {
  Update& u = update();
  u.attempts += 1;
  if (u.attempts >= patience().attempts) {
    u.attempts = 0;
    u.until = now_ + patience().rest;
    return true;
  }
  const Duration backoff = doubled(patience().backoff, u.attempts - 1, kLongestBackoff);
  u.until = now_ + backoff + jitter(child_.enrollment.id, u.attempts, backoff);
  return false;
}

/// What was put off, failed or went back is tried from the beginning.
void Turn::begin_attempt() {
  Update& u = update();
  u.decision = Decision::none;
  u.order = Order::none;
  u.orders = 0;
  u.until = {};
  u.pivot = false;
  u.after_commit = false;
  const bool is_lost = !is_to_restore(child_) && std::exchange(u.restore_is_due, false);
  if (is_lost) u.restores = kMaxRestores;  // it could not even be tried: still owed
  if (!is_backup_owed(u)) u.restores = 0;
  enter(Phase::preflight);
}

void Turn::pause_before_next_question() {
  child_.unanswered += 1;
  child_.quiet_until = now_ + doubled(patience().pause, child_.unanswered - 1, kLongestPause);
}

void Turn::step_failed(const Error& error) {
  step_failed(error, Reason::not_answering);
}

void Turn::step_failed(const Error& error, Reason silence) {
  child_.in_doubt = true;
  pause_before_next_question();
  if (is_link_trouble(error)) child_.losses += 1;  // a plugin may say so before it says that the link is gone
  count_failure(error, std::max(child_.unanswered, child_.losses), silence);
}

void Turn::link_gone() {
  const bool is_tested = child_.update && (update().phase == Phase::testing || awaits_report(child_));
  if (is_tested && !child_.in_doubt) update().until = now_ + swap_time();  // it was well until now
  if (std::holds_alternative<Restore>(child_.step)) return restore_failed(lost(1));
  if (!keeps_its_link(child_.step)) return;
  child_.losses += 1;
  count_failure(lost(child_.losses), child_.losses);
}

/// What a failure means in each phase, the last of `in_a_row`.
void Turn::count_failure(const Error& error, unsigned in_a_row, Reason silence) {
  const bool waits = !child_.update || is_over(update()) || waits_for_time(update());
  if (waits || !child_.online) return;
  Update& u = update();
  // From ACTIVATE on no phase may end by silence alone, so silence gets a line of its own.
  if (in_a_row == kMaxUnanswered && u.decision != Decision::none) note({silence, error.message});
  switch (u.phase) {
    case Phase::preflight:
    case Phase::staged:
      if (is_forced_along(u)) return;  // only forward, whenever it can be asked
      if (in_a_row >= kMaxUnanswered) fail_attempt(Phase::deferred, {silence, error.message});
      return;
    case Phase::backing_up:
      if (silence == Reason::not_answering && !is_link_trouble(error)) return go_on_without_backup(error);
      [[fallthrough]];
    case Phase::offered:
    case Phase::transferring:
      if (u.decision == Decision::pivot) return delivery_to_pivot_failed();
      if (error.code == Errc::too_large && u.phase == Phase::transferring)
        return refuse({Reason::no_space, error.message});  // no later try makes room
      if (!is_link_trouble(error) || in_a_row >= kMaxUnanswered)
        fail_attempt(Phase::deferred,
                     {silence == Reason::not_answering ? Reason::transfer_failed : silence, error.message});
      return;
    case Phase::activating:
    case Phase::testing:
      return silent_in_activation(error, silence);
    default:
      return;  // reverting has no time limit: it is tried again after the pause
  }
}

/// What cannot be saved, a full disk say, is tried once more; then it holds up no update. What an earlier attempt saved
/// stays.
void Turn::go_on_without_backup(const Error& error) {
  if (update().attempts == 0) return fail_attempt(Phase::deferred, {Reason::backup_failed, error.message});
  child_.unanswered = 0;
  child_.quiet_until = {};
  child_.in_doubt = false;
  note({Reason::backup_failed, error.message});
  enter(is_delivered_by_pivot(child_) ? Phase::staged : Phase::transferring);
}

/// After ACTIVATE silence is no answer: the child is asked again until the time for a swap has passed, then BACK; or,
/// if nothing is known that it could go back to, another attempt.
void Turn::silent_in_activation(const Error& error, Reason silence) {
  Update& u = update();
  const bool was_an_order = std::exchange(u.order, Order::none) != Order::none;
  const bool holds_still = u.decision == Decision::pivot && !u.pivot;
  if (holds_still) return;
  if (u.decision == Decision::commit) {
    u.cause = {error.code == Errc::denied ? Reason::confirm_refused : silence, error.message};
    return;
  }
  if (was_an_order) {  // its own deadline is longer than the one here: the child is asked before anything is decided
    u.cause = {Reason::activation_failed, error.message};
    u.until = std::max(u.until, now_ + swap_time());
  }
  if (now_ < u.until) return;
  const Cause cause{silence, error.message};
  if (u.decision == Decision::pivot) return enter(Phase::split, cause);
  if (!is_alone() || knows_way_back(u.parts)) return decide_back(cause);
  fail_attempt(Phase::deferred, cause);
}

void Turn::restore_failed(const Error& error) {
  Update& u = update();
  child_.in_doubt = true;
  child_.quiet_until = now_ + doubled(patience().backoff, u.restores, kLongestBackoff);
  u.restores += 1;
  if (u.restores >= kMaxRestores) end_restore({Reason::restore_failed, error.message});
}

}  // namespace hg::core
