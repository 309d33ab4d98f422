// SPDX-License-Identifier: Apache-2.0
// The value of a Block1 or Block2 option (RFC 7959 section 2.2), and how numbers go on when blocks become smaller.
// Called by server, in both directions.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::coap {

inline constexpr std::uint16_t kSmallestBlock = 16;  ///< bytes
inline constexpr std::uint16_t kLargestBlock = 1024;
inline constexpr std::uint32_t kMostBlocks = 1U << 20U;  ///< numbers have 20 bits

struct BlockOption {
  std::uint32_t number = 0;
  bool more = false;
  std::uint16_t size = kLargestBlock;  ///< bytes: a power of two from 16 to 1024

  /// Of the first byte in the body.
  [[nodiscard]] std::uint64_t offset() const { return std::uint64_t{number} * size; }
  friend bool operator==(const BlockOption&, const BlockOption&) = default;
};

/// Zero to three bytes. Errc::invalid: longer, or SZX 7.
Result<BlockOption> block_option_from(ByteView value);
/// The same from the number in them, as libcoap decodes it.
Result<BlockOption> block_option_from(std::uint32_t value);

/// In the fewest bytes (RFC 7252 section 3.2); at most three.
Bytes bytes_of(const BlockOption& option);
std::uint32_t value_of(const BlockOption& option);

/// Whether a block may have that many bytes.
bool is_block_size(std::uint64_t size);
/// SZX: 0 to 6.
std::uint8_t size_exponent_of(std::uint16_t size);

/// The block after `number` of `size` bytes, counted in blocks of `wanted` bytes: (NUM + 1) * (size / wanted)
/// (section 2.5). Errc::invalid: `wanted` is larger than `size`; Errc::too_large: beyond 20 bits.
Result<std::uint32_t> next_number(std::uint32_t number, std::uint16_t size, std::uint16_t wanted);

/// Whether the last byte of a body can be named with blocks of that size: 64 MiB with blocks of 64 bytes.
bool fits_in_blocks(std::uint64_t body, std::uint16_t size);

}  // namespace hg::coap
