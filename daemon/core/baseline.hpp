// SPDX-License-Identifier: Apache-2.0
// What children run from the factory: an operator says which deliverable that is, and the children themselves say
// whether they run it. Internal to core; engine.cpp calls it.
#pragma once

#include "core/engine.hpp"

namespace hg::core {

/// Each child that has committed nothing, is in no update, and rests on what the deliverable would bring, is taken to
/// have committed it, as if the gateway had brought it; so is a group that has committed nothing, once all members
/// that the deliverable has images for have. Refused with Errc::not_found (deliverable), Errc::mismatch when there is
/// no such child.
void declare_baseline(State& state, const BaselineDeclared& event, Instant now, Output& out);

}  // namespace hg::core
