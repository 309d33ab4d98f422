// SPDX-License-Identifier: Apache-2.0
// Whether the conditions that an image carries from its manifest hold for a child now. Answers with a cause that the
// bus can show; what is done about it (refused, or put off: time_unknown, too_early) is for core/turn, which calls it.
#pragma once

#include "core/model.hpp"

namespace hg::core {

/// The child must have an update with this part, which brings `image`, and have been inspected. No reason: all hold.
Cause judge_conditions(const State& state, const Child& child, const Part& part, const Image& image, Instant now);

/// Whether the image is older than what the child runs, which nothing that is known here has brought: a gateway that
/// was restored from a backup has forgotten floors, and takes no child back, unless the rollout was approved by name.
Cause judge_regress(const State& state, const Child& child, const Part& part, const Image& image);

}  // namespace hg::core
