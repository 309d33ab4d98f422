// SPDX-License-Identifier: Apache-2.0
// Whether a deliverable may go to a child, and which of its images: fit, freshness, protection, and what the child
// says of itself. Answers with a cause that the bus can show. Decides nothing about time; core/engine calls it.
#pragma once

#include <variant>
#include <vector>

#include "core/model.hpp"

namespace hg::core {

/// The images of a deliverable that are made for this child: same vendor and class, and the target's name where the
/// deliverable has more than one image of that class.
std::vector<const Image*> fitting_images(const Deliverable& deliverable, const Enrollment& child);

/// The image for the child (owned by `deliverable`), or why there is none.
std::variant<const Image*, Cause> choose_image(const Deliverable& deliverable, const Child& child);

/// Whether the child, being as it says it is, can tell the new image from what else it holds.
Cause check_slots(const Inspection& seen, const Enrollment& child, const Image& image);

}  // namespace hg::core
