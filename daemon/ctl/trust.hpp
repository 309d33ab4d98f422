// SPDX-License-Identifier: Apache-2.0
// The commands about trust: whom the gateway believes, what they said beside deliverables, and one more record for it.
#pragma once

#include "ctl/session.hpp"

namespace hg::ctl {

/// The root's keys, channel heads, floors and grants.
Result<ExitCode> show_trust(Session session);
Result<ExitCode> list_permits(Session session);
/// The record in the file at `path`; nothing_to_do when the gateway has it already.
Result<ExitCode> import_record(Session session, const std::string& path);

}  // namespace hg::ctl
