// SPDX-License-Identifier: Apache-2.0
#include "pack/words.hpp"

#include <algorithm>
#include <iostream>

namespace hg::pack {

std::string clean(std::string_view text) {
  std::string cleaned(text);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  std::ranges::replace_if(cleaned, is_control, '?');
  return cleaned;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void warn(std::string_view what) {
  std::cerr << "headgate-pack: warning: " << clean(what) << '\n';
}

}  // namespace hg::pack
