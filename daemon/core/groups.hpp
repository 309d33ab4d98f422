// SPDX-License-Identifier: Apache-2.0
// Which children make up a group, and what stands against a group as a whole before any of it is touched. What stands
// against one member is core/preflight's and core/conditions'. Internal to core; engine.cpp and transaction.cpp call
// it.
#pragma once

#include <vector>

#include "core/engine.hpp"

namespace hg::core {

void on_group_event(State& state, const LayoutsSaid& event, Instant now, Output& out);
void on_group_event(State& state, const GroupFormed& event, Instant now, Output& out);
void on_group_event(State& state, const GroupDissolved& event, Instant now, Output& out);

/// Says to each child which group it is a member of, after groups have changed.
void index_members(State& state);

/// Whether the child can take this role: enrolled, of the role's class, in no other group, and reporting the unit that
/// a group formed by report is named after.
Result<void> may_take(const State& state, const Group& group, const std::string& role, const ChildId& child);

/// Whether each role has as many children as the layout wants, and each of them can take it. Errors name what is wrong:
/// Errc::not_found (layout, role, child), Errc::mismatch (class, count), Errc::exists (in another group).
Result<void> check_members(const State& state, const Group& group);

/// The members that a deliverable has images for. Errors: those of check_members; Errc::mismatch when it has an image
/// that no member would take; Errc::busy when the group is past ACTIVATE or split.
Result<std::vector<ChildId>> choose_members(const State& state, const Group& group, const Deliverable& deliverable);

/// The members that do not run what the group has committed. Errc::not_found when it has committed nothing,
/// Errc::exists when all do.
Result<std::vector<ChildId>> choose_to_repair(const State& state, const Group& group);

/// What stands against these members together, each of which may go on: more than one that cannot be brought back,
/// unless the group may end mixed, which an operator has forced; or a test that would end before the last one is
/// activated.
Cause judge_together(const State& state, const std::vector<const Child*>& members, bool is_forced);

/// When the member is activated, by its role: lower ones first. 0 when its layout does not say.
unsigned rank_of(const State& state, const Child& child);

}  // namespace hg::core
