// SPDX-License-Identifier: Apache-2.0
// Versions and rules about them as people write them in recipes: "2.0.1", "1.2-rc.3", ">= 1.2". The forms that SUIT
// has for them are written by envelope_writer. Used by the reader of recipes.
#pragma once

#include <string_view>

#include "suit/image.hpp"

namespace hg::pack {

/// What suit::read_version takes: numbers with '.' between them, and at most one of "-rc", "-beta", "-alpha".
Result<suit::Version> parse_version(std::string_view text);

/// ">= 1.2"
Result<suit::VersionCondition> parse_rule(std::string_view text);

/// "radio >= 1.2"
Result<suit::TargetVersion> parse_other_rule(std::string_view text);

}  // namespace hg::pack
