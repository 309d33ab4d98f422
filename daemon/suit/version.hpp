// SPDX-License-Identifier: Apache-2.0
// Versions as lists of integers (draft-ietf-suit-update-management-14): numbers, of which one may be the mark of a
// release candidate (-1), beta (-2) or alpha (-3). Decides what is a version and how it is written; comparing versions
// with a child's is for the next step. Used for suit-set-version.
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

}  // namespace hg::suit
