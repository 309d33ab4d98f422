// SPDX-License-Identifier: Apache-2.0
// Dates as people give them on the command line: "2027-01-31" (its first moment) or "2027-01-31T12:00:00Z", always UTC.
// Used by headgate-pack's commands that make records.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"

namespace hg::pack {

Result<Instant> parse_date(std::string_view text);

/// Now, by the machine's clock.
Instant now();

}  // namespace hg::pack
