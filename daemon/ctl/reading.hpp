// SPDX-License-Identifier: Apache-2.0
// The commands that only look. Each prints a table or, with --json, what docs/dbus.md describes.
#pragma once

#include "ctl/session.hpp"

namespace hg::ctl {

Result<ExitCode> show_status(Session session);
Result<ExitCode> list_children(Session session);
Result<ExitCode> show_child(Session session, const std::string& id);
Result<ExitCode> show_history(Session session, const std::string& child, std::uint32_t count);
Result<ExitCode> list_deliverables(Session session);
Result<ExitCode> show_deliverable(Session session, const std::string& prefix);
Result<ExitCode> list_rollouts(Session session);
Result<ExitCode> show_rollout(Session session, std::uint64_t number);
Result<ExitCode> list_jobs(Session session);

}  // namespace hg::ctl
