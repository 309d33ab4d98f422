// SPDX-License-Identifier: Apache-2.0
// A small text file of names and values in the plugin's state directory: read whole, replaced at once or not at all.
// What stands in it is its owner's: registration_store and lwm2m_brought.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hg::coap {

inline constexpr std::size_t kLongestRemembered = 16384;  ///< bytes of a file

/// In the order of the file; names may repeat.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// "name value" line by line below `head`; what is not printable ASCII, and '%', stands as %XX.
std::string text_of(std::string_view head, const Facts& facts);
/// Nothing for anything that text_of() does not write.
Facts facts_from(std::string_view head, std::string_view text);

/// Nothing when there is no file, or one that cannot be understood. An empty path is no file.
Facts recall(const std::filesystem::path& file, std::string_view head);
/// Whether it stands there now; a failure means only that it is forgotten with the process. An empty path: not.
bool remember(const std::filesystem::path& file, std::string_view head, const Facts& facts);
void forget(const std::filesystem::path& file);

/// The first value of that name; empty: none.
std::string_view fact(const Facts& facts, std::string_view name);

}  // namespace hg::coap
