// SPDX-License-Identifier: Apache-2.0
// What directive-wait waits for (draft-ietf-suit-update-management-14, parameter wait-info): somebody's authorization,
// a moment, a version on another target of the deliverable. Other events (power, network, time of day, day of week) are
// the business of a device or of a time zone; they are refused by name, since not waiting for them would break what the
// author said. Used by parameters and findings.
#pragma once

#include "suit/image.hpp"

namespace hg::suit {

struct Wait {
  bool needs_authorization = false;         ///< event 1
  std::optional<std::uint64_t> not_before;  ///< event 5: seconds since 1970
  std::optional<TargetVersion> after;       ///< event 4: the id is the target's name
};

/// {+ event => value}
Result<Wait> read_wait(cbor::Reader& reader);

}  // namespace hg::suit
