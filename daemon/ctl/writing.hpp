// SPDX-License-Identifier: Apache-2.0
// The commands that ask for something to be done.
#pragma once

#include <vector>

#include "ctl/session.hpp"

namespace hg::ctl {

/// `deliverable` is a unique prefix of its id; no children: all that it fits.
struct RolloutOptions {
  bool approve = false;  ///< whatever a channel head says
  bool wait = false;
};
Result<ExitCode> start_rollout(Session session, const std::string& deliverable,
                               const std::vector<std::string>& children, RolloutOptions options);
/// No child goes below its deliverable again without a permit.
Result<ExitCode> close_rollout(Session session, std::uint64_t number);
Result<ExitCode> cancel_job(Session session, std::uint64_t number);
/// With `wait` until the deliverable is sealed: nothing_to_do when it was here already.
Result<ExitCode> fetch(Session session, const std::string& url, bool wait);

}  // namespace hg::ctl
