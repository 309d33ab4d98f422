// SPDX-License-Identifier: Apache-2.0
// The value of any Block option: it is written as it was read, in the fewest bytes, and smaller blocks go on exactly
// where the larger one ended.
#include <algorithm>
#include <cstdlib>

#include "coap/block_option.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hg::coap;
  const hg::ByteView value(data, size);
  const auto option = block_option_from(value);
  const bool must_be_one = size == 0 || (size <= 3 && (value.back() & 7U) != 7);
  if (option.has_value() != must_be_one) std::abort();
  if (!option) return 0;
  const hg::Bytes written = bytes_of(*option);
  const bool is_shortest = size == 0 || value.front() != 0;
  if (is_shortest ? !std::ranges::equal(written, value) : written.size() >= size) std::abort();
  if (block_option_from(hg::ByteView(written)).value() != *option) std::abort();
  if (block_option_from(value_of(*option)).value() != *option) std::abort();
  if (!is_block_size(option->size) || !fits_in_blocks(option->offset() + 1, option->size)) std::abort();
  for (std::uint16_t wanted = kSmallestBlock; wanted <= kLargestBlock;
       wanted = static_cast<std::uint16_t>(wanted * 2)) {
    const auto next = next_number(option->number, option->size, wanted);
    const std::uint64_t end = option->offset() + option->size;
    if (next && BlockOption{*next, false, wanted}.offset() != end) std::abort();
    if (!next && wanted <= option->size && fits_in_blocks(end + 1, wanted)) std::abort();
    if (next && wanted > option->size) std::abort();
  }
  return 0;
}
