// SPDX-License-Identifier: Apache-2.0
// One turn of the state machine for one child: the ways in which its update moves from phase to phase, and what an
// inspection means in each. Internal to core; engine.cpp opens a turn for the child that an event is about.
#pragma once

#include <string>

#include "core/engine.hpp"

namespace hg::core {

class Turn {
 public:
  Turn(State& state, Child& child, Instant now, Output& out) : state_(state), child_(child), now_(now), out_(out) {}

  /// The update (there must be one) enters a phase; the history gets a line.
  void enter(Phase phase, Cause cause = {});

  /// A failure before ACTIVATE, or a return to the old image: counted, and tried again later or after a rest.
  void fail_attempt(Phase phase, Cause cause);

  /// Believes what the child says now, and goes on from there.
  void believe(const Inspection& seen);

  /// The answer to an order that the child carried out.
  void order_done(const Inspection& seen);

  /// The step did not work, or nobody knows whether it did.
  void step_failed(const Error& error);

  /// The child's answer to an offer.
  void offer_answered(const OfferAnswer& answer);

  /// A Wait came to its end.
  void time_passed();

  /// An operator's abort. Errc::busy after COMMIT, Errc::not_found when the update is over.
  Result<void> abort();

 private:
  void judge(const Inspection& seen, bool order_was_done);
  void judge_preflight(const Inspection& seen);
  void judge_staged(const Inspection& seen);
  void judge_activating(const Inspection& seen, bool order_was_done);
  void judge_testing(const Inspection& seen);
  void judge_reverting(const Inspection& seen);
  void judge_split(const Inspection& seen);
  void fell_back(const Inspection& seen, Cause cause);

  void notice_local_change(const Inspection& seen);
  void learn_before(const Inspection& seen);
  void settle_foreign_mark(const Inspection& seen);
  bool is_allowed(const Image& image);
  void put_off(Instant until, Cause cause);
  void decide_activate(const Digest& before);
  void decide_commit();
  void decide_back(Cause cause);
  void rest_on_old(Cause cause);
  void end_confirmed();
  void give(Order order);
  void pause_before_next_question();
  void silent_in_activation(const Error& error);
  [[nodiscard]] bool runs_only(const Inspection& seen, const Digest& digest) const;
  [[nodiscard]] Update& update() { return *child_.update; }
  [[nodiscard]] const Patience& patience() const { return child_.enrollment.patience; }
  [[nodiscard]] std::uint8_t image_number() const { return child_.enrollment.image_number; }

  State& state_;
  Child& child_;
  Instant now_;
  Output& out_;
};

}  // namespace hg::core
