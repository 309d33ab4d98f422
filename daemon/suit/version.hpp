// SPDX-License-Identifier: Apache-2.0
// Versions and comparisons as a manifest writes them (draft-ietf-suit-update-management-14): read from CBOR. What they
// mean stands in base/version.hpp, which core uses, too. Used for suit-set-version, condition-version, directive-wait.
#pragma once

#include <string>

#include "base/cbor.hpp"
#include "base/version.hpp"

namespace hg::suit {

using hg::Version;
using hg::VersionCondition;
using hg::VersionOp;

/// [+ int]: numbers, then at most one mark, which is not the first, then numbers.
Result<Version> read_version(cbor::Reader& reader);

/// [op, [+ int]]
Result<VersionCondition> read_version_condition(cbor::Reader& reader);

/// ">= 1.2"
std::string condition_text(const VersionCondition& condition);

}  // namespace hg::suit
