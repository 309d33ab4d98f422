// SPDX-License-Identifier: Apache-2.0
// Whether a recipe says of its MCUboot images what they say of themselves: version, hash, security counter,
// encryption, dependencies. Every disagreement is refused by the name of the target, with both sides. Reading images
// is for images; called by release.
#pragma once

#include <optional>
#include <vector>

#include "images/mcuboot.hpp"
#include "pack/recipe.hpp"

namespace hg::pack {

/// What the file is, if it is a MCUboot image; nothing if it is not one.
Result<std::optional<images::McubootImage>> look_into(ByteView file);

/// `image` is nothing when the file is no MCUboot image: then the recipe must not claim anything of one.
Result<void> check_claims(const TargetRecipe& target, const std::optional<images::McubootImage>& image);

/// Over all targets of a recipe, in their order: no image number twice for one class, and each dependency is met by
/// another target or stands in the recipe ("depends").
Result<void> check_dependencies(const Recipe& recipe, const std::vector<std::optional<images::McubootImage>>& images);

}  // namespace hg::pack
