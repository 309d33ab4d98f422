// SPDX-License-Identifier: Apache-2.0
// Block1 and Block2 (RFC 7959 section 2.2 and the examples of section 3).
#include <gtest/gtest.h>

#include "coap/block_option.hpp"

namespace hg::coap {
namespace {

struct Block {
  const char* digits;
  BlockOption option;
};
class Blocks : public testing::TestWithParam<Block> {};

TEST_P(Blocks, AreReadAndWritten) {
  const Bytes bytes = *from_hex(GetParam().digits);
  const auto option = block_option_from(ByteView(bytes));
  ASSERT_TRUE(option) << option.error().message;
  EXPECT_EQ(*option, GetParam().option);
  EXPECT_EQ(to_hex(bytes_of(*option)), GetParam().digits);
  EXPECT_EQ(block_option_from(value_of(*option)).value(), *option);
}

INSTANTIATE_TEST_SUITE_P(Table, Blocks,
                         testing::Values(Block{"", {0, false, 16}}, Block{"02", {0, false, 64}},
                                         Block{"0e", {0, true, 1024}}, Block{"1a", {1, true, 64}},
                                         Block{"f6", {15, false, 1024}}, Block{"0106", {16, false, 1024}},
                                         Block{"fffe", {4095, true, 1024}}, Block{"010002", {4096, false, 64}},
                                         Block{"fffffe", {1048575, true, 1024}}));

TEST(BlockOption, IsRefusedWhenItIsNone) {
  for (const char* digits : {"07", "0f", "ffffff", "00000000", "01000006"}) {
    const Bytes bytes = *from_hex(digits);
    const auto option = block_option_from(ByteView(bytes));
    ASSERT_FALSE(option) << digits;
    EXPECT_EQ(option.error().code, Errc::invalid);
  }
  EXPECT_EQ(block_option_from(std::uint32_t{0x01000000}).error().code, Errc::invalid);
  const Bytes padded{0, 0, 0x16};
  EXPECT_EQ(block_option_from(ByteView(padded)).value(), (BlockOption{1, false, 1024})) << "leading zeros are taken";
}

TEST(BlockOption, GoesOnWithSmallerBlocks) {
  EXPECT_EQ(next_number(0, 1024, 1024).value(), 1U);
  EXPECT_EQ(next_number(0, 128, 32).value(), 4U) << "RFC 7959 figure 8";
  EXPECT_EQ(next_number(3, 1024, 16).value(), 256U);
  for (std::uint32_t number = 0; number < 20; ++number)
    EXPECT_EQ(BlockOption({next_number(number, 512, 64).value(), false, 64}).offset(), (number + 1) * 512U);
  EXPECT_EQ(next_number(kMostBlocks - 2, 64, 64).value(), kMostBlocks - 1);
  EXPECT_EQ(next_number(kMostBlocks - 1, 64, 64).error().code, Errc::too_large);
  EXPECT_EQ(next_number(kMostBlocks / 2 - 1, 64, 32).error().code, Errc::too_large);
  EXPECT_EQ(next_number(UINT32_MAX, 1024, 16).error().code, Errc::too_large);
  EXPECT_EQ(next_number(0, 64, 128).error().code, Errc::invalid) << "a receiver cannot ask for larger ones";
  EXPECT_EQ(next_number(0, 64, 0).error().code, Errc::invalid);
  EXPECT_EQ(next_number(0, 100, 50).error().code, Errc::invalid);
}

TEST(BlockOption, NumbersOnlySoMuch) {
  EXPECT_TRUE(fits_in_blocks(64U << 20U, 64));
  EXPECT_FALSE(fits_in_blocks((64U << 20U) + 1, 64));
  EXPECT_TRUE(fits_in_blocks(1U << 30U, 1024));
  EXPECT_FALSE(fits_in_blocks((16U << 20U) + 1, 16));
  EXPECT_TRUE(fits_in_blocks(0, 16));
}

TEST(BlockSize, IsAPowerOfTwo) {
  for (std::uint64_t size = 0; size <= 2048; ++size) {
    const bool is_one =
        size == 16 || size == 32 || size == 64 || size == 128 || size == 256 || size == 512 || size == 1024;
    EXPECT_EQ(is_block_size(size), is_one) << size;
  }
  EXPECT_EQ(size_exponent_of(16), 0);
  EXPECT_EQ(size_exponent_of(1024), 6);
}

}  // namespace
}  // namespace hg::coap
