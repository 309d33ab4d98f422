// SPDX-License-Identifier: Apache-2.0
// The commands that ask for something to be done.
#pragma once

#include <vector>

#include "ctl/follower.hpp"
#include "ctl/session.hpp"

namespace hg::ctl {

/// `deliverable` is a unique prefix of its id; no children and no groups: all that it fits.
struct RolloutOptions {
  bool approve = false;  ///< whatever a channel head says
  bool force = false;    ///< groups may end mixed
  bool wait = false;
  std::vector<std::string> groups{};
};
Result<ExitCode> start_rollout(Session session, const std::string& deliverable,
                               const std::vector<std::string>& children, RolloutOptions options);
/// No child goes below its deliverable again without a permit.
Result<ExitCode> close_rollout(Session session, std::uint64_t number);
Result<ExitCode> cancel_job(Session session, std::uint64_t number);
/// With `wait` until the deliverable is sealed: nothing_to_do when it was here already.
Result<ExitCode> fetch(Session session, const std::string& url, bool wait);
/// The same of an https URL or a file, waited for; with `is_baseline` children that run it already are taken to have
/// committed it.
Result<ExitCode> import_deliverable(Session session, const std::string& source, bool is_baseline);

/// Says which rollout was started (its path), and with `wait` how it goes on.
Result<ExitCode> say_started(Session session, Follower& follower, const std::string& rollout, bool wait);
/// Says on stderr that there is nothing to do, and why.
ExitCode nothing_to_do(const Error& error);

}  // namespace hg::ctl
