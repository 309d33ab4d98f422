// SPDX-License-Identifier: Apache-2.0
// The tables [layouts], [groups] and the keys `group` and `role` of children: which children are updated together or
// not at all. What core would refuse when the daemon runs is found here, with its place in the file. Called by
// app/config.
#pragma once

#include <vector>

#include "app/settings_file.hpp"
#include "core/model.hpp"

namespace hg::app {

std::vector<core::Layout> read_layouts(Section section);

/// `groups` and `children` are the tables of these names; `enrolled` are the children that were read from the latter.
std::vector<core::Group> read_groups(Section groups, Section children, const std::vector<core::Layout>& layouts,
                                     const std::vector<core::Enrollment>& enrolled);

}  // namespace hg::app
