// SPDX-License-Identifier: Apache-2.0
// The value of a Block option (RFC 7959 section 2.2). Pure.
#pragma once

#include <cstdint>
#include <optional>

namespace hg::coap {

struct Block {
  static constexpr std::uint8_t kLargest = 6;             ///< 1024 bytes; 7 is reserved
  static constexpr std::uint32_t kMostBlocks = 1U << 20;  ///< numbers have 20 bits

  std::uint32_t number = 0;
  bool more = false;
  std::uint8_t szx = kLargest;

  [[nodiscard]] std::uint32_t size() const { return 16U << szx; }
  [[nodiscard]] std::uint64_t offset() const { return std::uint64_t{number} * size(); }
  [[nodiscard]] std::uint32_t value() const { return number << 4U | (more ? 8U : 0U) | szx; }

  /// Nothing: its size is the reserved one.
  static std::optional<Block> from(std::uint32_t value) {
    const auto szx = static_cast<std::uint8_t>(value & 7U);
    if (szx > kLargest || value >> 4U >= kMostBlocks) return std::nullopt;
    return Block{value >> 4U, (value & 8U) != 0, szx};
  }
  /// The size exponent of the largest block that has at most `bytes`; 16 bytes at least.
  static std::uint8_t szx_of(std::uint32_t bytes) {
    std::uint8_t szx = kLargest;
    while (szx > 0 && 16U << szx > bytes) --szx;
    return szx;
  }

  friend bool operator==(const Block&, const Block&) = default;
};

}  // namespace hg::coap
