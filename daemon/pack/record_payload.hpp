// SPDX-License-Identifier: Apache-2.0
// Whether the payload of a trust record is what its kind says. Who signed it is for trust. Used by verify and sign.
#pragma once

#include "trust/record.hpp"

namespace hg::pack {

/// Asks trust's own reader of the kind.
Result<void> check_payload(const trust::Record& record);

}  // namespace hg::pack
