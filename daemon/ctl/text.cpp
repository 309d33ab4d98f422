// SPDX-License-Identifier: Apache-2.0
#include "ctl/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/time.hpp"

namespace hg::ctl {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t position) {
  return position < text.size() ? static_cast<std::uint8_t>(text[position]) : std::uint8_t{0};
}

// How many bytes at `position` are one control character; 0 for none.
std::size_t control_at(std::string_view text, std::size_t position) {
  const std::uint8_t first = byte_at(text, position);
  const std::uint8_t second = byte_at(text, position + 1);
  const std::uint8_t third = byte_at(text, position + 2);
  if (first < 0x20 || first == 0x7f) return 1;
  if (first == 0xc2 && second >= 0x80 && second <= 0x9f) return 2;                       // C1: U+0080 to U+009F
  const bool separator_or_embedding = second == 0x80 && third >= 0xa8 && third <= 0xae;  // U+2028 to U+202E
  const bool isolate = second == 0x81 && third >= 0xa6 && third <= 0xa9;                 // U+2066 to U+2069
  if (first == 0xe2 && (separator_or_embedding || isolate)) return 3;
  return 0;
}

}  // namespace

std::string clean(std::string_view text) {
  std::string result;
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t control = control_at(text, position);
    result += control > 0 ? '?' : text[position];
    position += std::max<std::size_t>(control, 1);
  }
  return result;
}

std::size_t width_of(std::string_view clean_text) {
  const auto starts_code_point = [](char c) { return (static_cast<std::uint8_t>(c) & 0xc0U) != 0x80U; };
  return static_cast<std::size_t>(std::ranges::count_if(clean_text, starts_code_point));
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<const char*, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, kUnits.at(unit));
  return text.data();
}

std::string time_text(std::uint64_t microseconds_since_1970) {
  if (microseconds_since_1970 == 0) return {};
  const std::chrono::microseconds since{static_cast<std::int64_t>(microseconds_since_1970)};
  return to_text(Instant{std::chrono::duration_cast<Duration>(since)});
}

}  // namespace hg::ctl
