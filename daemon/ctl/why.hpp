// SPDX-License-Identifier: Apache-2.0
// Why a child or a group is where it is, what it waits for, and what can be done about it.
#pragma once

#include "ctl/session.hpp"

namespace hg::ctl {

/// The child of that name; the group, if there is no such child or `is_group`.
Result<ExitCode> explain(Session session, const std::string& name, bool is_group);

}  // namespace hg::ctl
