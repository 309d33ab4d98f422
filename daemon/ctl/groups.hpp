// SPDX-License-Identifier: Apache-2.0
// The commands about groups: children that are updated together or not at all.
#pragma once

#include <vector>

#include "ctl/session.hpp"

namespace hg::ctl {

Result<ExitCode> list_groups(Session session);
Result<ExitCode> show_group(Session session, const std::string& name);
/// Each of `members` is "ROLE=CHILD".
Result<ExitCode> create_group(Session session, const std::string& name, const std::string& layout,
                              const std::vector<std::string>& members);
Result<ExitCode> dissolve_group(Session session, const std::string& name);
/// nothing_to_do when all its members are on what it has committed.
Result<ExitCode> repair_group(Session session, const std::string& name, bool wait);

struct Resolution {
  std::string child;
  std::string way;          ///< retry, drop, replace or accept
  std::string replacement;  ///< a child, with replace
};
/// nothing_to_do when the child is not split.
Result<ExitCode> resolve_group(Session session, const std::string& name, const Resolution& resolution);

}  // namespace hg::ctl
