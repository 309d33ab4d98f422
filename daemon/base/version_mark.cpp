// SPDX-License-Identifier: Apache-2.0
#include "base/version_mark.hpp"

#include <algorithm>
#include <string>

#include "base/version.hpp"

namespace hg {
namespace {

/// Without zeros at its end, of which there may be any number.
std::string plain(std::string_view text) {
  std::string_view numbers = text;
  if (numbers.starts_with('v') || numbers.starts_with('V')) numbers.remove_prefix(1);
  auto version = version_from(numbers);
  if (!version) return std::string(text);
  while (version->size() > 1 && version->back() == 0) version->pop_back();
  return to_text(*version);
}

}  // namespace

Digest version_mark(std::uint8_t image_number, std::string_view version) {
  if (version.empty()) return {};
  const std::string text = plain(version).substr(0, Digest::kMaxSize - 1);
  Bytes mark{image_number};
  mark.insert(mark.end(), text.begin(), text.end());
  return Digest::from_bytes(mark).value_or(Digest{});
}

}  // namespace hg
