// SPDX-License-Identifier: Apache-2.0
// Groups that nobody configures: children that report the same unit, the product that they are built into, make up a
// group of its name when they fill all roles of a layout that is formed so. What they report is not proven. It makes a
// group of children that are in none, and moves no member: one that reports otherwise stays, and holds the group's
// rollouts until it says so again or an operator has decided. Who may be a member at all is core/groups'. engine.cpp
// calls this with each answer of a child; adapters/dbus shows unit_text().
#pragma once

#include <string>

#include "core/engine.hpp"

namespace hg::core {

/// What the child reports; empty: nothing, or it was never inspected.
std::string unit_of(const Child& child);

/// The child has answered; `before` is what it reported until then. Forms the group that is whole now. What stands
/// against one, or comes between a member and its group, is said once in the child's history.
void hear_unit(State& state, const ChildId& child, const std::string& before, Instant now, Output& out);

/// Says in State::units who reports which unit, after a start.
void index_units(State& state);

/// What comes of the unit that the child reports, for people: what its group waits for, or why there is none, or why it
/// is held. Empty: it reports none, nothing is formed of its class, or it is a member as it says.
std::string unit_text(const State& state, const Child& child);

/// Whether the group is what its members report, so that it would be formed again if it were dissolved.
bool would_form_again(const State& state, const Group& group);

/// Whether somebody is to take the place of a member that is not split, in a group that is formed by report.
bool is_about_reported(const State& state, const SplitResolved& event);

/// An operator has decided whose place is whose. Errors: those of may_take(); Errc::exists when the replacement is a
/// member already, Errc::busy when the group is past ACTIVATE.
Result<void> replace_reported(State& state, const SplitResolved& event, Instant now, Output& out);

}  // namespace hg::core
