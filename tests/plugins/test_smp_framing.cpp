// SPDX-License-Identifier: Apache-2.0
// The frame of SMP and the lenient CBOR reader. Byte strings that are not our own come from the specification or from a
// Zephyr 3.5 child (reference smp.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/cbor.hpp"
#include "sdk/loose_cbor.hpp"
#include "smp/packet.hpp"

namespace hg::smp {
namespace {

using plugin::LooseReader;

Bytes hex(std::string_view digits) {
  return *from_hex(digits);
}

// ------------------------------------------------------------------------------------------------------------ header

TEST(Packet, HasTheHeaderOfTheSpecification) {
  Bytes packet = hex("0000000000000000bfff");
  put_header(packet, kImageState, 1, 0x42);
  EXPECT_EQ(to_hex(packet), "0a00000200014200bfff");
  put_header(packet, kReset, 0, 1);
  EXPECT_EQ(to_hex(packet), "0200000200000105bfff");
}

TEST(Packet, ReadsOnlyWhatIsWhole) {
  const auto header = header_of(hex("0b00000200014200bfff"));
  ASSERT_TRUE(header);
  EXPECT_TRUE(answers(*header, kImageState, 0x42));
  EXPECT_FALSE(answers(*header, kImageState, 0x43));
  EXPECT_FALSE(answers(*header, kImageList, 0x42));
  EXPECT_FALSE(answers(*header, kImageUpload, 0x42));
  EXPECT_FALSE(header_of(hex("0b00000200014200bf")));      // shorter than its length
  EXPECT_FALSE(header_of(hex("0b00000200014200bfff00")));  // longer
  EXPECT_FALSE(header_of(hex("0b000000000142")));
  EXPECT_FALSE(header_of(hex("0f00000000014200")));  // no such operation
}

// ------------------------------------------------------------------------------------------------------ lenient CBOR

struct Skipped {
  const char* name;
  const char* bytes;
  bool is_item;
};
class LooseSkip : public testing::TestWithParam<Skipped> {};

TEST_P(LooseSkip, EndsBehindTheItemOrInAnError) {
  Bytes bytes = hex(GetParam().bytes);
  bytes.push_back(0x07);
  LooseReader reader(bytes);
  EXPECT_EQ(static_cast<bool>(reader.skip()), GetParam().is_item);
  if (!GetParam().is_item) return;
  EXPECT_EQ(reader.read_int().value(), 7);
}

INSTANTIATE_TEST_SUITE_P(
    Table, LooseSkip,
    testing::Values(Skipped{"Integer", "1903e8", true}, Skipped{"WideHead", "1b0000000000000001", true},
                    Skipped{"Negative", "3818", true}, Skipped{"Float", "fb3ff199999999999a", true},
                    Skipped{"Half", "f93c00", true}, Skipped{"Undefined", "f7", true},
                    Skipped{"Tag", "c11a514b67b0", true}, Skipped{"EmptyMap", "a0", true},
                    Skipped{"EmptyLooseMap", "bfff", true}, Skipped{"Nested", "bf61619f01bfff820304ff6162f5ff", true},
                    Skipped{"TextInPieces", "7f6161626262ff", true}, Skipped{"BreakAlone", "ff", false},
                    Skipped{"LooseInteger", "1f", false}, Skipped{"Reserved", "1c", false},
                    Skipped{"LongText", "7affffffff6161", false}, Skipped{"LongArray", "9affffffff", false},
                    Skipped{"HugeMap", "bbffffffffffffffff", false}, Skipped{"Unended", "9f0102", false},
                    Skipped{"SixteenDeep", "8181818181818181818181818181818101", true},
                    Skipped{"SeventeenDeep", "818181818181818181818181818181818101", false}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(LooseCbor, StringsAreBoundedAndMayComeInPieces) {
  const Bytes pieces = hex("5f4101420203ff");
  EXPECT_EQ(LooseReader(pieces).read_bytes(3).value(), hex("010203"));
  EXPECT_FALSE(LooseReader(pieces).read_bytes(2));
  EXPECT_FALSE(LooseReader(hex("5f5f4101ffff")).read_bytes(9));  // pieces within pieces
  EXPECT_FALSE(LooseReader(hex("5f6161ff")).read_bytes(9));      // pieces of another kind
  EXPECT_EQ(LooseReader(hex("6161")).read_text(1).value(), "a");
}

TEST(LooseCbor, TakesNumbersForBooleansAndRefusesTheRest) {
  EXPECT_TRUE(LooseReader(hex("f5")).read_bool().value());
  EXPECT_TRUE(LooseReader(hex("01")).read_bool().value());
  EXPECT_FALSE(LooseReader(hex("00")).read_bool().value());
  EXPECT_FALSE(LooseReader(hex("02")).read_bool());
  EXPECT_EQ(LooseReader(hex("20")).read_int().value(), -1);
  EXPECT_FALSE(LooseReader(hex("1bffffffffffffffff")).read_int());
}

TEST(LooseReader, ReadsRealsOfEachWidth) {
  // RFC 8949 appendix A.
  EXPECT_EQ(LooseReader(hex("f93e00")).read_real().value(), 1.5);
  EXPECT_EQ(LooseReader(hex("f90001")).read_real().value(), 5.960464477539063e-8);
  EXPECT_EQ(LooseReader(hex("f9c400")).read_real().value(), -4.0);
  EXPECT_EQ(LooseReader(hex("fa47c35000")).read_real().value(), 100000.0);
  EXPECT_EQ(LooseReader(hex("fb3ff199999999999a")).read_real().value(), 1.1);
  EXPECT_EQ(LooseReader(hex("fbfff0000000000000")).read_real().value(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(LooseReader(hex("f97c00")).read_real().value(), std::numeric_limits<double>::infinity());
  EXPECT_NE(LooseReader(hex("f97e00")).read_real().value(), 0.0);
  for (const char* digits : {"", "01", "f5", "f93e", "fb3ff19999999999"})
    EXPECT_FALSE(LooseReader(hex(digits)).read_real()) << digits;
}

TEST(LooseReader, SaysWhatComesNext) {
  using Kind = LooseReader::Kind;
  const std::vector<std::pair<const char*, Kind>> rows{
      {"00", Kind::integer}, {"20", Kind::integer}, {"5f", Kind::bytes}, {"60", Kind::text},
      {"9f", Kind::array},   {"a0", Kind::map},     {"c1", Kind::tag},   {"f4", Kind::boolean},
      {"f9", Kind::real},    {"f6", Kind::other},   {"f8", Kind::other}, {"ff", Kind::other}};
  for (const auto& [digits, kind] : rows) EXPECT_EQ(LooseReader(hex(digits)).peek().value(), kind) << digits;
  EXPECT_FALSE(LooseReader({}).peek());
}

}  // namespace
}  // namespace hg::smp
