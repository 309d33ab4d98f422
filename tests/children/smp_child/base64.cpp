// SPDX-License-Identifier: Apache-2.0
#include "base64.hpp"

#include <algorithm>
#include <array>

namespace smp_child {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kBad = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kBad);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kValues = make_values();

}  // namespace

void append_base64(std::string& to, ByteView bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (j < count ? bytes[i + j] : 0u);
    const char quad[] = {kAlphabet[group >> 18], kAlphabet[group >> 12 & 63],
                         count > 1 ? kAlphabet[group >> 6 & 63] : '=', count > 2 ? kAlphabet[group & 63] : '='};
    to.append(quad, sizeof quad);
  }
}

bool append_decoded_base64(Bytes& to, std::string_view text) {
  if (text.size() % 4 != 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::size_t digits = text.size() - padding;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    for (std::size_t j = i; j < i + 4; ++j) {
      const std::uint8_t value = j < digits ? kValues[static_cast<std::uint8_t>(text[j])] : std::uint8_t{0};
      if (value == kBad) return false;
      group = group << 6 | value;
    }
    append_big_endian(to, group, 3);
  }
  to.resize(to.size() - padding);
  return true;
}

}  // namespace smp_child
