// SPDX-License-Identifier: Apache-2.0
// Versions as lists of integers, as SUIT has them (draft-ietf-suit-update-management-14): release numbers, of which one
// may be the mark of a release candidate (-1), beta (-2) or alpha (-3). Reads them from text, writes them, and says
// whether one meets a condition. What a version is of, and what follows, is for the caller (suit, core).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hg {

using Version = std::vector<std::int64_t>;

/// The values are those of suit-condition-version.
enum class VersionOp : std::uint8_t { greater = 1, greater_equal, equal, lesser_equal, lesser };

struct VersionCondition {
  VersionOp op = VersionOp::equal;
  Version version;

  friend bool operator==(const VersionCondition&, const VersionCondition&) = default;
};

/// Compares element by element for the length of the condition's version only, so that "= 1" holds for every 1.x; a
/// shorter `current` is taken to go on with zeros.
bool holds(const VersionCondition& condition, const Version& current);

/// "1.2.3", "1.2-rc.3", "1.2-beta", and MCUboot's "1.2.3.4" and "1.2.3+4"; nothing for any other text.
std::optional<Version> version_from(std::string_view text);

/// "1.2.3", "1.2-rc.3".
std::string to_text(const Version& version);

std::string_view name_of(VersionOp op);
std::optional<VersionOp> version_op_from(std::string_view name);

}  // namespace hg
