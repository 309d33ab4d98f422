// SPDX-License-Identifier: Apache-2.0
// How values are written for people. Text that came from outside may hold anything that UTF-8 can say; what could
// steer a terminal is taken out here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hg::ctl {

/// Without control characters (C0, DEL, C1, bidirectional overrides): '?' stands for each.
std::string clean(std::string_view text);

/// How many columns clean text takes, as far as one code point is one column.
std::size_t width_of(std::string_view clean_text);

/// "1.5 MiB"
std::string size_text(std::uint64_t bytes);

/// "2026-11-21T03:04:05Z"; empty for 0.
std::string time_text(std::uint64_t microseconds_since_1970);

}  // namespace hg::ctl
