// SPDX-License-Identifier: Apache-2.0
// Versions as lists of integers (draft-ietf-suit-update-management-14): numbers, of which one may be the mark of a
// release candidate (-1), beta (-2) or alpha (-3). Decides what is a version, how it is written, and whether one
// passes a comparison that a manifest asks for. Used for suit-set-version, condition-version and directive-wait.
#pragma once

#include <string>
#include <vector>

#include "base/cbor.hpp"

namespace hg::suit {

using Version = std::vector<std::int64_t>;

/// [+ int]: numbers, then at most one mark, which is not the first, then numbers.
Result<Version> read_version(cbor::Reader& reader);

/// "2.0.1", "1.2-rc.3"; empty for an empty version.
std::string version_text(const Version& version);

enum class VersionOp : std::uint8_t { greater = 1, greater_equal, equal, lesser_equal, lesser };

/// A comparison that the version on the child must pass.
struct VersionCondition {
  VersionOp op = VersionOp::equal;
  Version version;

  friend bool operator==(const VersionCondition&, const VersionCondition&) = default;
};

/// [op, [+ int]]
Result<VersionCondition> read_version_condition(cbor::Reader& reader);

/// Compares part by part for the length of the condition's version, so that "= 1" holds for every 1.x and "> 1.2" does
/// not hold for 1.2.5; parts that `current` lacks count as 0, which keeps 1.2-rc.1 below 1.2.
bool holds(const VersionCondition& condition, const Version& current);

/// ">= 1.2"
std::string condition_text(const VersionCondition& condition);

}  // namespace hg::suit
