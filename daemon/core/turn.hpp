// SPDX-License-Identifier: Apache-2.0
// One turn of the state machine for one child: the ways in which its update moves from phase to phase, and what an
// inspection means in each. Internal to core; engine.cpp opens a turn for the child that an event is about. Its
// functions stand by subject: turn.cpp (the ways in), turn_judgement.cpp (what an inspection means), turn_decision.cpp
// (ACTIVATE, COMMIT, BACK, and how an update comes to rest), turn_silence.cpp (what did not work, and for how long),
// turn_protection.cpp (who the child is, and what hides its images),
// turn_member.cpp (what a member of a group does at a gate, and what it does as the others do). A child alone passes
// each gate at once; core/transaction lets the members of a group pass together.
#pragma once

#include <optional>
#include <string>

#include "core/engine.hpp"
#include "core/standing.hpp"

namespace hg::core {

class Turn {
 public:
  Turn(State& state, Child& child, Instant now, Output& out) : state_(state), child_(child), now_(now), out_(out) {}

  /// The update (there must be one) enters a phase; the history gets a line.
  void enter(Phase phase, Cause cause = {});

  /// Believes what the child says now, and goes on from there.
  void believe(const Inspection& seen);

  /// The answer to an order that the child carried out.
  void order_done(const Inspection& seen);

  /// The child's answer to an offer.
  void offer_answered(const OfferAnswer& answer);

  /// Its configuration was read out.
  void backed_up(const BackedUp& answer);

  /// It holds the image that was on its way.
  void delivered();

  /// It has nothing of the image that was on its way, since that would have gone elsewhere than its part of the update
  /// began with.
  void stages_otherwise(const Inspection& seen);

  /// Its configuration was written back.
  void restored();

  // Who the child is, and what hides the images on their way (turn_protection.cpp).

  /// What the child gets in the place of an image was made.
  void prepared(const Prepare& order, const View& view);
  void prepare_failed(const Error& error);
  /// It has shown the key that it is enrolled with; or it has not.
  void proven();
  void identify_failed(const Error& error);
  /// Another key for this use, or none: what hangs on the one before is void.
  void key_changed(KeyUse use, const Cause& cause);
  /// No view holds any more; what was brought by one before ACTIVATE is brought again.
  void lose_views(const Cause& cause);
  /// A grant that has run out in the middle of a transfer ends it where something would have to be made under it.
  void end_with_grant();
  /// A line of history about the child itself.
  void tell(Cause cause);

  /// The step did not work, or nobody knows whether it did.
  void step_failed(const Error& error);

  /// The link goes, and nobody will answer the step. Once is no failure; a child that is lost in each try has failed.
  void link_gone();

  /// The configuration has changed under an update that is not past ACTIVATE.
  void enrolled_otherwise();

  /// What was saved is of another board, or may be: it is not written to this one.
  void forget_backup(const std::string& why);

  /// Writing the configuration back did not work.
  void restore_failed(const Error& error);

  /// A Wait came to its end.
  void time_passed();

  /// An operator's abort. Errc::busy after COMMIT, Errc::not_found when the update is over.
  Result<void> abort();

  /// Before ACTIVATE, or between two attempts: it is done with.
  void withdraw(Cause cause);

  // What a group has its members do.

  /// From its gate to the next phase, when all are there.
  void pass_preflight();
  /// It is asked again what it is, since all have come so far.
  void call_round();
  /// ACTIVATE is decided. It is not told before its turn has come.
  void agree_to_activate();
  void activate();
  /// PIVOT is decided: the pivot is told, the others hold still.
  void agree_to_pivot();
  void decide_commit();
  void decide_back(Cause cause);
  /// Before ACTIVATE: what became of another member's attempt becomes of this one's.
  void join(const ChildId& whose, const Update& failed);
  void refuse(Cause cause);
  void begin_attempt();
  /// All are back. The failure is counted, and when to try again is decided; or learned from another member.
  void plan_retry();
  void plan_retry_with(const Update& other);
  /// An operator's way out of split.
  void try_split_again(const std::string& how);
  void leave_split(const std::string& how);

 private:
  // Judgement.
  void judge(const Inspection& seen, bool order_was_done);
  void remember(const Inspection& seen);
  void judge_phase(const Inspection& seen, bool order_was_done);
  void judge_preflight(const Inspection& seen);
  bool choose(const Inspection& seen);
  void begin(const Inspection& seen);
  void judge_staged(const Inspection& seen);
  void judge_activating(const Inspection& seen, bool order_was_done);
  void judge_old_after_activate(const Inspection& seen, bool order_was_done);
  void judge_testing(const Inspection& seen);
  void judge_pivot(const Inspection& seen, bool order_was_done);
  void judge_forced_along(const Inspection& seen);
  void judge_reverting(const Inspection& seen);
  void judge_split(const Inspection& seen);
  void judge_recovery(const Inspection& seen, bool order_was_done);
  void notice_local_change(const Inspection& seen);
  void notice_self_confirmation(const Inspection& seen);
  void learn_before(const Inspection& seen);
  void settle_foreign_mark(const Inspection& seen);

  // Decisions.
  bool is_allowed();
  void put_off(Instant until, Cause cause);
  bool is_ready(const Inspection& seen);
  void put_off_busy(const Inspection& seen);
  void reach(Gate gate);
  void start_over(const Inspection& seen, Cause cause);
  void fell_back(const Inspection& seen, Cause cause);
  void go_forward(const Inspection& seen, Cause cause);
  void rest_on_old(Cause cause);
  void end_confirmed();
  void give(Order order);
  [[nodiscard]] bool may_order() const;
  void call_for_restore();
  void end_restore(Cause cause);

  // Failures and silence.
  void fail_attempt(Phase phase, Cause cause);
  bool count_attempt();
  void gone_too_long();
  void delivery_to_pivot_failed();
  void pause_before_next_question();
  void count_failure(const Error& error, unsigned in_a_row, Reason silence = Reason::not_answering);
  void step_failed(const Error& error, Reason silence);
  void begin_transfer_again(const Cause& cause);
  void silent_in_activation(const Error& error, Reason silence);
  void go_on_without_backup(const Error& error);
  void note(Cause cause);

  [[nodiscard]] bool is_nobody_known() const;
  [[nodiscard]] Cause cause_to_choose_again() const;
  [[nodiscard]] Duration swap_time() const;
  [[nodiscard]] bool is_alone() const { return child_.update->group.empty(); }
  [[nodiscard]] Update& update() { return *child_.update; }
  [[nodiscard]] const Patience& patience() const { return child_.enrollment.patience; }

  State& state_;
  Child& child_;
  std::optional<Inspection> earlier_;  // what was believed before what is judged now
  bool was_carried_out_ = false;       // what is judged now is the answer to an order
  Instant now_;
  Output& out_;
};

/// Whether something may have gone to the child already, and nothing is marked.
bool is_before_activate(Phase phase);

/// Whether a due configuration is to be written back now: the update rests, and the child runs what it rests on; or the
/// next update, which took it over, has not brought anything.
bool is_to_restore(const Child& child);

/// Whether it should have been written back and could not be: no later backup, of what may be spoilt, takes its place.
bool is_backup_owed(const Update& update);

/// Whether the child, if it takes the new image, gets back to the old one: by a reset, by a mark and a reset, or by a
/// whole transfer of what is held here.
bool can_be_brought_back(const State& state, const Child& child);

/// Whether the member is the pivot, and installs as it receives: nothing is sent to it before PIVOT.
bool is_delivered_by_pivot(const Child& child);

/// Whether a member that could not be brought back, and is not the pivot, holds still for COMMIT, or has it and was not
/// told yet.
bool is_forced_along(const Update& update);

/// Whether others wait for a member's report, so that it may not be away for ever: what it runs decides for all.
bool awaits_report(const Child& child);

/// Derives the child's step anew. If it is another one, what was being carried out is given up.
void renew_step(const State& state, Child& child, Output& out);

/// What of the child must be written after a turn that began with `before`, and its step.
void close_turn(State& state, const Remembered& before, Child& child, Output& out);

/// One turn, by itself: what it means for the other members of a group is core/transaction's. Gives back what the turn
/// began with.
template <class Handle>
Remembered take_turn(State& state, Child& child, Instant now, Output& out, Handle handle) {
  Remembered before = child;
  const Gate gate = child.gate;
  Turn turn(state, child, now, out);
  handle(turn);
  turn.end_with_grant();
  if (child.gate != gate) out.touched.push_back(child.enrollment.id);
  close_turn(state, before, child, out);
  return before;
}

}  // namespace hg::core
