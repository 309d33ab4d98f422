// SPDX-License-Identifier: Apache-2.0
// How headgate-pack speaks: one line for a warning or an error, and nothing in it that a terminal would obey.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hg::pack {

/// The text with every control character as '?': files of others say what they like.
std::string clean(std::string_view text);

/// "a, b, c"
std::string joined(const std::vector<std::string>& words);

/// One line on standard error: "headgate-pack: warning: ...".
void warn(std::string_view what);

}  // namespace hg::pack
