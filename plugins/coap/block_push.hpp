// SPDX-License-Identifier: Apache-2.0
// Which block of a push comes next, and what the child's answer to one means (RFC 7959 sections 2.3 and 2.9). Pure:
// conversation reads the image and sends.
#pragma once

#include <optional>

#include "coap/block.hpp"
#include "coap/exchange.hpp"

namespace hg::coap {

class BlockPush {
 public:
  /// `block`: bytes of a block at first.
  BlockPush(std::uint64_t size, std::uint16_t block) : size_(size), szx_(Block::szx_of(block)) {}

  /// The block to send now.
  [[nodiscard]] Block block() const;
  /// Its bytes; only the last one may be shorter than its size.
  [[nodiscard]] std::uint32_t length() const;
  /// Bytes that the child has accepted in a row.
  [[nodiscard]] std::uint64_t accepted() const { return offset_; }
  /// False: more blocks than there are numbers.
  [[nodiscard]] bool can_be_numbered() const;

  /// The answer to block(). False: it is the last word; true: block() says what comes now.
  bool go_on(Code code, const std::optional<Block>& block1, const std::optional<std::uint32_t>& size1);

 private:
  bool accept(const std::optional<Block>& block1);
  bool shrink(const std::optional<Block>& block1, const std::optional<std::uint32_t>& size1);

  std::uint64_t size_;
  std::uint64_t offset_ = 0;
  std::uint8_t szx_;
  bool has_begun_again_ = false;  // after 4.08, which is done once
};

}  // namespace hg::coap
