// SPDX-License-Identifier: Apache-2.0
// Following what goes on: everything (`monitor`), or one rollout until its end.
#pragma once

#include "ctl/follower.hpp"

namespace hg::ctl {

/// Prints what happens, for ever or until no job is left: then some_children_failed if one ended unconfirmed.
Result<ExitCode> monitor(Session session, bool until_idle);

/// Shows a rollout's progress on stderr until it is finished: ok when all its children are confirmed.
Result<ExitCode> await_rollout(Session session, Follower& follower, const std::string& rollout);

}  // namespace hg::ctl
