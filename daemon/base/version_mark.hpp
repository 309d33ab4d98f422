// SPDX-License-Identifier: Apache-2.0
// What stands for the digest of an image where a child tells no digest but only a version (LwM2M /3/0/3, /5/0/7): the
// image number and the version as one value that can be compared. Made by plugins of what the child says, and by core
// of what an image says of itself; the same on both sides.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/digest.hpp"

namespace hg {

/// Empty for an empty version. Versions of numbers are compared as such: "v1.2", "1.2.0" and "1.2.0+0" have one mark;
/// any other text stands for itself, cut at Digest::kMaxSize - 1 bytes.
Digest version_mark(std::uint8_t image_number, std::string_view version);

}  // namespace hg
