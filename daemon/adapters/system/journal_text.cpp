// SPDX-License-Identifier: Apache-2.0
#include "adapters/system/journal_text.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/cbor.hpp"

namespace hg::system {
namespace {

constexpr std::string_view kCut = "...";

/// The size of the well-formed, printable character at the start of `text`; 0 if there is none. C1 controls
/// (U+0080..U+009F) move terminals as C0 do; U+2028, U+2029 and the direction marks U+202A..U+202E, U+2066..U+2069
/// make a line look like another.
std::size_t printable_at(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (byte(0) < 0x80) return byte(0) >= 0x20 && byte(0) != 0x7F ? 1 : 0;
  for (std::size_t size = 2; size <= std::min<std::size_t>(4, text.size()); ++size) {
    if (!cbor::is_utf8(as_bytes(text.substr(0, size)))) continue;
    if (size == 2 && byte(0) == 0xC2 && byte(1) < 0xA0) return 0;
    if (size == 3 && byte(0) == 0xE2 && byte(1) == 0x80 && byte(2) >= 0xA8 && byte(2) <= 0xAE) return 0;
    if (size == 3 && byte(0) == 0xE2 && byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9) return 0;
    return size;
  }
  return 0;
}

}  // namespace

std::string clean_text(std::string_view text) {
  std::string clean;
  clean.reserve(std::min(text.size(), kLongestTextBytes));
  std::size_t cut_at = 0;  // the last character's end that leaves room for kCut
  while (!text.empty()) {
    const std::size_t size = printable_at(text);
    const std::string_view next = size > 0 ? text.substr(0, size) : std::string_view("?");
    if (clean.size() + next.size() > kLongestTextBytes) return clean.replace(cut_at, std::string::npos, kCut);
    clean.append(next);
    if (clean.size() + kCut.size() <= kLongestTextBytes) cut_at = clean.size();
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return clean;
}

}  // namespace hg::system
