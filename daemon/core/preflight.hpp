// SPDX-License-Identifier: Apache-2.0
// Which images of a deliverable a child is to have: fit, and what the child says of itself. Answers with a cause that
// the bus can show. Protection is core/protection_judgement's, freshness core/trust_facts', conditions are
// core/conditions'; core/turn calls it.
#pragma once

#include <variant>
#include <vector>

#include "core/model.hpp"

namespace hg::core {

/// The images of a deliverable that are made for this child: same vendor and class, and the name of one of its targets.
/// For a member of a group an image that is named "role/target" goes before one that is named "target".
std::vector<const Image*> fitting_images(const Deliverable& deliverable, const Child& child);

/// What the child will list for an image when that runs as this number, as far as it tells its images by what it was
/// seen to (Inspection::evidence). Empty: it cannot be told.
Digest listed_for(const Image& image, std::uint8_t number, const Child& child);

/// The image that a part of an update brings, or null when the deliverable is gone.
const Image* image_of(const State& state, const Update& update, const Part& part);

/// One part for each target that the deliverable has an image for, by image number, with `before` not known yet; or why
/// it cannot be brought to the child. What has a view already needs no grant any more.
std::variant<std::vector<Part>, Cause> choose_parts(const State& state, const Deliverable& deliverable,
                                                    const Child& child, Instant now);

/// What would bring one part of the child's update back by a whole transfer: the image that it ran before, as the
/// deliverable that it has committed brought it. Null when that is not held, or could not be brought.
const Image* rollback_image(const State& state, const Child& child, const Part& part);

/// Whether the child takes old images again, and those that its update replaces are held.
bool may_be_reinstalled(const State& state, const Child& child);

/// Whether the child says that it rests on all that the deliverable has for it. What its link may carry does not
/// matter: nothing is brought.
bool runs_all_of(const Deliverable& deliverable, const Child& child);

/// Whether the child's configuration still leads to the parts that its update brings; not once the deliverable is gone.
bool are_parts_still_chosen(const State& state, const Child& child);

/// Whether the child, being as it says it is, can tell the new images from what else it holds.
Cause check_slots(const Inspection& seen, const std::vector<Part>& parts);

/// Whether the child, being as it says it is, has a place for an image.
Cause check_staging(const Inspection& seen);

}  // namespace hg::core
