// SPDX-License-Identifier: Apache-2.0
// The transaction of a group: what makes its members change together or not at all (docs/state-machines.md, "A group").
// It stores nothing of its own: the decisions stand in the updates of all members, set in one apply(), and where each
// stands follows from them. Internal to core; engine.cpp calls settle() after each turn of a child.
#pragma once

#include "core/engine.hpp"
#include "core/turn.hpp"

namespace hg::core {

/// What has happened to one member since `before` is followed by the others, and whoever waits at a gate that all have
/// reached goes on. Does nothing for a child whose update is its own.
void settle(State& state, const Remembered& before, const Child& child, Instant now, Output& out);

/// One turn for a child, and what it means for the other members of its group.
template <class Handle>
void with_child(State& state, Child& child, Instant now, Output& out, Handle handle) {
  const Remembered before = take_turn(state, child, now, out, handle);
  settle(state, before, child, now, out);
}

/// Whether the member's turn to go back has come: who was activated later goes first, but nobody waits for one that is
/// silent.
bool may_go_back(const State& state, const Child& child);

/// Whether a group's transaction is under way past ACTIVATE, or rests in split: nothing else may begin.
bool is_bound(const State& state, const Group& group);

/// Whether a member can neither be brought to the new nor to the old.
bool is_split(const State& state, const Group& group);

/// The members' updates as a group, before ACTIVATE or between two attempts, are done with: one of them is to go
/// another way, and the others may not go on without it.
void withdraw_all(State& state, const Group& group, const std::string& why, Instant now, Output& out);

/// The child becomes a member of the group: what it was in alone, before ACTIVATE or between two attempts, would bring
/// it away from the others, and is done with.
void withdraw_alone(State& state, Child& child, const GroupId& group, Instant now, Output& out);

/// An operator's way out of split, for one member.
Result<void> resolve(State& state, const SplitResolved& event, Instant now, Output& out);

}  // namespace hg::core
