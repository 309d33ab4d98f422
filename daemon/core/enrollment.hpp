// SPDX-License-Identifier: Apache-2.0
// Who the children are: those that somebody registers beside the configuration, strangers that plugins meet, and the
// keys that children are enrolled with. What the configuration names, and how an enrolled child is updated, is
// core/engine's, which calls this; what follows for an update from another key or board is core/turn's.
#pragma once

#include "core/engine.hpp"

namespace hg::core {

void on_enrollment(State& state, const ChildRegistered& event, Instant now, Output& out);
void on_enrollment(State& state, const ChildUnregistered& event, Instant now, Output& out);
void on_enrollment(State& state, const ChildDiscovered& event, Instant now, Output& out);
void on_enrollment(State& state, const ChildVanished& event, Instant now, Output& out);
void on_enrollment(State& state, const ChildKeySet& event, Instant now, Output& out);
void on_enrollment(State& state, const ChildKeyRevoked& event, Instant now, Output& out);
void on_enrollment(State& state, const BoardReplaced& event, Instant now, Output& out);
void on_enrollment(State& state, const EnrollmentListTaken& event, Instant now, Output& out);
void on_enrollment(State& state, const StoreKeyReplaced& event, Instant now, Output& out);

/// The child is at this address from now on, and at no other.
void note_address(State& state, const ChildId& child, const Address& address);
void forget_address(State& state, const ChildId& child, const Address& address);

/// After a start: where the children are that somebody has registered.
void index_addresses(State& state);

}  // namespace hg::core
