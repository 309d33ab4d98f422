// SPDX-License-Identifier: Apache-2.0
#include "coap/block_option.hpp"

#include <bit>

namespace hg::coap {
namespace {

constexpr std::uint32_t kExponentMask = 7;
constexpr std::uint32_t kMoreMask = 8;
constexpr unsigned kNumberShift = 4;
constexpr unsigned kSmallestExponent = 4;  // of two, in kSmallestBlock
constexpr std::size_t kLongestValue = 3;   // bytes

}  // namespace

Result<BlockOption> block_option_from(std::uint32_t value) {
  const std::uint32_t exponent = value & kExponentMask;
  if (exponent == kExponentMask) return Error{Errc::invalid, "block option: SZX 7 is reserved"};
  if (value >> kNumberShift >= kMostBlocks) return Error{Errc::invalid, "block option: longer than three bytes"};
  const auto size = static_cast<std::uint16_t>(1U << (exponent + kSmallestExponent));
  return BlockOption{value >> kNumberShift, (value & kMoreMask) != 0, size};
}

Result<BlockOption> block_option_from(ByteView value) {
  if (value.size() > kLongestValue) return Error{Errc::invalid, "block option: longer than three bytes"};
  std::uint32_t number = 0;
  for (const std::uint8_t byte : value) number = number << 8U | byte;
  return block_option_from(number);
}

std::uint32_t value_of(const BlockOption& option) {
  return option.number << kNumberShift | (option.more ? kMoreMask : 0U) | size_exponent_of(option.size);
}

Bytes bytes_of(const BlockOption& option) {
  const std::uint32_t value = value_of(option);
  Bytes bytes;
  for (unsigned shift = 24; shift > 0; shift -= 8) {
    const auto byte = static_cast<std::uint8_t>(value >> (shift - 8U));
    if (byte != 0 || !bytes.empty()) bytes.push_back(byte);
  }
  return bytes;
}

bool is_block_size(std::uint64_t size) {
  return size >= kSmallestBlock && size <= kLargestBlock && std::has_single_bit(size);
}

std::uint8_t size_exponent_of(std::uint16_t size) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(std::countr_zero(size)) - kSmallestExponent);
}

Result<std::uint32_t> next_number(std::uint32_t number, std::uint16_t size, std::uint16_t wanted) {
  if (!is_block_size(size) || !is_block_size(wanted) || wanted > size) {
    return Error{Errc::invalid, "block option: blocks of " + std::to_string(size) + " bytes cannot become blocks of " +
                                    std::to_string(wanted)};
  }
  const std::uint64_t next = (std::uint64_t{number} + 1) * (size / wanted);
  if (next >= kMostBlocks) return Error{Errc::too_large, "block option: more blocks than 20 bits can number"};
  return static_cast<std::uint32_t>(next);
}

bool fits_in_blocks(std::uint64_t body, std::uint16_t size) {
  return body <= std::uint64_t{kMostBlocks} * size;
}

}  // namespace hg::coap
