// SPDX-License-Identifier: Apache-2.0
// Makes of the courses that a manifest can take what a gateway needs: the images that may have to be brought, each with
// whom it is for and what must hold first, and the dependencies. Looks at no bytes of images: that is for payloads.
// Called by suit::open after the symbolic run.
#pragma once

#include <optional>
#include <vector>

#include "suit/execution.hpp"
#include "suit/manifest.hpp"

namespace hg::suit {

/// An image whose bytes were not looked for yet.
struct Found {
  Image image;
  std::optional<Slice> uri;      ///< where it is fetched from
  std::optional<Slice> content;  ///< or the bytes themselves, in the manifest
};

/// The distinct images over all courses, in the order of the components. A component that was only a stage for others
/// has none; an image is for the vendor, class and device that its target or the stages on its way name, which must not
/// contradict one another. Conditions of components that nothing is ever brought to are conditions of all images.
Result<std::vector<Found>> find_images(const Outcome& outcome);

/// The distinct dependencies over all courses; one that is never fetched nor processed is there without a digest.
Result<std::vector<Dependency>> find_dependencies(const Outcome& outcome, Bundle& bundle);

/// The smallest of all.
std::optional<std::int64_t> find_priority(const Outcome& outcome);

}  // namespace hg::suit
