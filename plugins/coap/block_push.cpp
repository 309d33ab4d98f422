// SPDX-License-Identifier: Apache-2.0
#include "coap/block_push.hpp"

#include <algorithm>

namespace hg::coap {

Block BlockPush::block() const {
  const std::uint32_t size = 16U << szx_;
  return {static_cast<std::uint32_t>(offset_ / size), offset_ + size < size_, szx_};
}

std::uint32_t BlockPush::length() const {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(block().size(), size_ - offset_));
}

bool BlockPush::can_be_numbered() const {
  return size_ <= std::uint64_t{Block::kMostBlocks} * block().size();
}

bool BlockPush::go_on(Code code, const std::optional<Block>& block1, const std::optional<std::uint32_t>& size1) {
  if (code == Code::incomplete && !has_begun_again_) {
    has_begun_again_ = true;
    offset_ = 0;
    return true;
  }
  if (code == Code::too_large) return shrink(block1, size1);
  // Some children answer each block with 2.04 and its Block1; without one it is the answer to the whole.
  const bool is_about_block = code == Code::go_on || block1.has_value();
  return is_success(code) && is_about_block && accept(block1);
}

bool BlockPush::accept(const std::optional<Block>& block1) {
  const bool was_last = !block().more;
  offset_ += length();
  if (was_last) return false;
  if (block1) szx_ = std::min(szx_, block1->szx);
  return can_be_numbered();
}

bool BlockPush::shrink(const std::optional<Block>& block1, const std::optional<std::uint32_t>& size1) {
  const bool is_too_large_as_a_whole = size1 && *size1 < size_;
  if (szx_ == 0 || is_too_large_as_a_whole) return false;
  const auto half = static_cast<std::uint8_t>(szx_ - 1);
  szx_ = block1 ? std::min(half, block1->szx) : half;
  offset_ = 0;
  return can_be_numbered();
}

}  // namespace hg::coap
