// SPDX-License-Identifier: Apache-2.0
// Which image of a deliverable a child is to have: fit, protection, and what the child says of itself. Answers with a
// cause that the bus can show. Freshness is core/trust_facts', conditions are core/conditions'; core/turn calls it.
#pragma once

#include <variant>
#include <vector>

#include "core/model.hpp"

namespace hg::core {

/// The images of a deliverable that are made for this child: same vendor and class, and the target's name where the
/// deliverable has more than one image of that class.
std::vector<const Image*> fitting_images(const Deliverable& deliverable, const Enrollment& child);

/// The image that an update brings, or null when its deliverable is gone.
const Image* image_of(const State& state, const Update& update);

/// The image for the child (owned by `deliverable`), or why there is none.
std::variant<const Image*, Cause> choose_image(const Deliverable& deliverable, const Child& child);

/// Whether the child, being as it says it is, can tell the new image from what else it holds.
Cause check_slots(const Inspection& seen, const Enrollment& child, const Image& image);

}  // namespace hg::core
