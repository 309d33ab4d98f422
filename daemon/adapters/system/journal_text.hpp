// SPDX-License-Identifier: Apache-2.0
// Makes texts that came from outside fit for a log: one line, printable, of bounded length. Called by the journals.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hg::system {

inline constexpr std::size_t kLongestTextBytes = 1024;

/// `text` with control characters and what is not UTF-8 replaced by '?', cut at a character's end with "..." when it is
/// longer than kLongestTextBytes.
std::string clean_text(std::string_view text);

}  // namespace hg::system
