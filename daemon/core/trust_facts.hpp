// SPDX-License-Identifier: Apache-2.0
// What signed records say and what follows from it: heads, permits, key grants, the root, and the floors that they
// raise. Takes them into State, and answers whether a rollout may begin and whether a child may go back. That the
// signers may say so was judged before (trust::Authority). Called by core/engine and core/turn.
#pragma once

#include <variant>

#include "core/engine.hpp"

namespace hg::core {

/// `now`, but never before a head was issued: a clock that is set back makes nothing valid again.
Instant trusted_time(const State& state, Instant now);

void accept(State& state, const HeadAccepted& event, Instant now, Output& out);
void accept(State& state, const PermitAccepted& event, Instant now, Output& out);
void accept(State& state, const GrantAccepted& event, Instant now, Output& out);
void accept(State& state, const RootAccepted& event, Instant now, Output& out);
void accept(State& state, const RolloutClosed& event, Instant now, Output& out);

/// Whether the heads let a rollout of the deliverable begin that nobody approved by name. Errc::denied says why not:
/// mix and match, an expired head, an unknown time, or no head where one is required.
Result<void> may_begin(const State& state, const Deliverable& deliverable, Instant now);

/// The permit under which the child may go to the deliverable; empty: it is not below the floor of the child and of
/// the gateway, or it is what the child has committed. Otherwise why it may not.
std::variant<PermitId, Cause> find_permit(const State& state, const Child& child, const Deliverable& deliverable,
                                          Instant now);

/// The child's update uses its permit up, if it has one. Once more in the same update changes nothing.
void use_permit(State& state, const Child& child, Instant now, Output& out);

}  // namespace hg::core
