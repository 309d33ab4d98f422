// SPDX-License-Identifier: Apache-2.0
// The strict CBOR reader and writer: tables of what is read, what is refused and where.
#include "base/cbor.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace hg::cbor {
namespace {

Bytes hex(std::string_view digits) {
  return from_hex(digits).value();
}

struct Refusal {
  const char* name;
  const char* input;
  const char* message;
};

std::string name_of_row(const testing::TestParamInfo<Refusal>& row) {
  return row.param.name;
}

// ------------------------------------------------------------------------------------------- well-formedness

class Skip : public testing::TestWithParam<Refusal> {};

TEST_P(Skip, NamesTheOffsetAndMovesNothing) {
  const Bytes input = hex(GetParam().input);
  Reader reader(input);
  const auto skipped = reader.skip();
  ASSERT_FALSE(skipped);
  EXPECT_EQ(skipped.error().message, GetParam().message);
  EXPECT_EQ(reader.offset(), 0U);
}

constexpr Refusal kMalformed[] = {
    {"empty", "", "offset 0: the input ends where an item should begin"},
    {"uint8_of_23", "1817", "offset 0: a head that is not the shortest one"},
    {"uint16_of_255", "1900ff", "offset 0: a head that is not the shortest one"},
    {"uint32_of_65535", "1a0000ffff", "offset 0: a head that is not the shortest one"},
    {"uint64_of_32_bits", "1b00000000ffffffff", "offset 0: a head that is not the shortest one"},
    {"long_length", "5801aa", "offset 0: a head that is not the shortest one"},
    {"long_tag", "d81200", "offset 0: a head that is not the shortest one"},
    {"cut_head", "1b000000", "offset 0: the input ends inside an item head"},
    {"reserved_28", "1c", "offset 0: a reserved item head"},
    {"reserved_30", "fe", "offset 0: a float, a break or a simple value other than false, true and null"},
    {"indefinite_bytes", "5f4101ff", "offset 0: an indefinite length"},
    {"indefinite_array", "9f01ff", "offset 0: an indefinite length"},
    {"indefinite_map", "bf0102ff", "offset 0: an indefinite length"},
    {"indefinite_inside", "82019f01ff", "offset 2: an indefinite length"},
    {"half_float", "f93c00", "offset 0: a float, a break or a simple value other than false, true and null"},
    {"double", "fb3ff0000000000000", "offset 0: a float, a break or a simple value other than false, true and null"},
    {"undefined", "f7", "offset 0: a float, a break or a simple value other than false, true and null"},
    {"simple_255", "f8ff", "offset 0: a float, a break or a simple value other than false, true and null"},
    {"lone_break", "ff", "offset 0: a float, a break or a simple value other than false, true and null"},
    {"cut_bytes", "4401", "offset 0: byte string longer than the input"},
    {"cut_array", "8201", "offset 0: array longer than the input"},
    {"cut_inside", "82008301", "offset 2: array longer than the input"},
    {"tag_of_nothing", "d2", "offset 1: the input ends where an item should begin"},
    {"bytes_bomb", "5b7fffffffffffffff", "offset 0: byte string longer than the input"},
    {"text_bomb", "7bffffffffffffffff", "offset 0: text string longer than the input"},
    {"array_bomb", "9b4000000000000000", "offset 0: array longer than the input"},
    {"map_bomb", "bb8000000000000000", "offset 0: map longer than the input"},
    {"map_of_one_item", "a101", "offset 0: map longer than the input"},
    {"not_utf8", "8261ff00", "offset 1: text string that is not UTF-8"},
    {"overlong_utf8", "62c080", "offset 0: text string that is not UTF-8"},
    {"surrogate", "63eda080", "offset 0: text string that is not UTF-8"},
    {"beyond_unicode", "64f4908080", "offset 0: text string that is not UTF-8"},
    {"cut_utf8", "62e282", "offset 0: text string that is not UTF-8"},
    {"nested_17", "818181818181818181818181818181818100", "offset 16: items nested too deep"},
    {"tags_17", "c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c600", "offset 16: items nested too deep"},
};

INSTANTIATE_TEST_SUITE_P(Cbor, Skip, testing::ValuesIn(kMalformed), name_of_row);

TEST(Cbor, SixteenLevelsAreEnough) {
  const Bytes input = hex("8181818181818181818181818181818100");
  Reader reader(input);
  EXPECT_TRUE(reader.skip());
  EXPECT_TRUE(reader.at_end());
}

TEST(Cbor, ANestingBombOfAMegabyteEndsAtLevelSeventeen) {
  const Bytes input(1U << 20U, 0x81);
  Reader reader(input);
  const auto skipped = reader.skip();
  ASSERT_FALSE(skipped);
  EXPECT_EQ(skipped.error().code, Errc::too_large);
}

// ---------------------------------------------------------------------------------------------------- values

TEST(Cbor, IntegersReachTheirLimits) {
  const Bytes largest = hex("1bffffffffffffffff");
  EXPECT_EQ(Reader(largest).read_uint().value(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(Reader(largest).read_int());
  const Bytes largest_signed = hex("1b7fffffffffffffff");
  EXPECT_EQ(Reader(largest_signed).read_int().value(), std::numeric_limits<std::int64_t>::max());
  const Bytes smallest = hex("3b7fffffffffffffff");
  EXPECT_EQ(Reader(smallest).read_int().value(), std::numeric_limits<std::int64_t>::min());
  const Bytes below = hex("3b8000000000000000");
  EXPECT_FALSE(Reader(below).read_int());
}

TEST(Cbor, AWrongTypeIsNamedAndLeftStanding) {
  const Bytes input = hex("0143010203");
  Reader reader(input);
  ASSERT_TRUE(reader.skip());
  const auto text = reader.read_text();
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message, "offset 1: byte string where text string should be");
  EXPECT_EQ(reader.read_bytes()->size(), 3U);
  EXPECT_TRUE(reader.finish());
}

TEST(Cbor, AnItemIsItsExactBytes) {
  const Bytes input = hex("8201d86b4401020304ff");
  Reader reader(input);
  EXPECT_EQ(to_hex(*reader.read_item()), "8201d86b4401020304");
  const auto finished = reader.finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().message, "offset 9: 1 bytes after the end");
}

TEST(Cbor, OffsetsInsideWrappedItemsCountFromTheOutside) {
  const Bytes input = hex("820043820061");  // [0, << [0, ...cut text] >>]
  Reader reader(input);
  ASSERT_TRUE(reader.enter_array());
  ASSERT_TRUE(reader.skip());
  auto inside = reader.read_wrapped();
  ASSERT_TRUE(inside);
  ASSERT_TRUE(inside->enter_array());
  ASSERT_TRUE(inside->skip());
  EXPECT_EQ(inside->read_text().error().message, "offset 5: text string longer than the input");
}

// ------------------------------------------------------------------------------------------------------ maps

Result<void> walk(ByteView input, KeyOrder order) {
  Reader reader(input);
  auto keys = MapKeys::enter(reader, order);
  if (!keys) return keys.error();
  for (;;) {
    const auto key = keys->next();
    if (!key) return key.error();
    if (!key->has_value()) return reader.finish();
    if (auto skipped = reader.skip(); !skipped) return skipped;
  }
}

class Ascending : public testing::TestWithParam<Refusal> {};
class AnyOrder : public testing::TestWithParam<Refusal> {};

TEST_P(Ascending, Refuses) {
  EXPECT_EQ(walk(hex(GetParam().input), KeyOrder::ascending).error().message, GetParam().message);
}
TEST_P(AnyOrder, Refuses) {
  EXPECT_EQ(walk(hex(GetParam().input), KeyOrder::any).error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Cbor, Ascending,
    testing::Values(Refusal{"twice", "a2030003f6", "offset 3: map key 3 twice"},
                    Refusal{"down", "a205000300", "offset 3: map key 3 out of ascending order"},
                    Refusal{"text_before_integer", "a2612300186500", "offset 4: map key 101 out of ascending order"},
                    Refusal{"text_twice", "a2612300612300", "offset 4: map key \"#\" twice"},
                    Refusal{"array_twice", "a2814101008141010a", "offset 5: map key h'814101' twice"},
                    Refusal{"value_missing", "a200000101ff", "offset 5: 1 bytes after the end"}),
    name_of_row);
INSTANTIATE_TEST_SUITE_P(Cbor, AnyOrder,
                         testing::Values(Refusal{"twice_apart", "a3040020000400", "offset 5: map key 4 twice"},
                                         Refusal{"text_twice", "a36178000400617800", "offset 6: map key \"x\" twice"}),
                         name_of_row);

TEST(Cbor, AnyOrderTakesAnyOrder) {
  EXPECT_TRUE(walk(hex("a2040a2001"), KeyOrder::any));  // {4: 10, -1: 1}
  EXPECT_TRUE(walk(hex("a22001040a"), KeyOrder::any));
  EXPECT_FALSE(walk(hex("a22001040a"), KeyOrder::ascending));
}

TEST(Cbor, AMapInAnyOrderHasALimit) {
  Bytes input;
  Writer writer(input);
  writer.map(kMaxUnorderedKeys + 1);
  for (std::uint64_t key = 0; key <= kMaxUnorderedKeys; ++key) writer.uint(key).null();
  EXPECT_EQ(walk(input, KeyOrder::any).error().code, Errc::too_large);
  EXPECT_TRUE(walk(input, KeyOrder::ascending));
}

TEST(Cbor, KeysComeAsWhatTheyAre) {
  const Bytes input = hex("a42a00410700616100814100f6");  // {-11: 0, h'07': 0, "a": 0, [h'00']: null}
  Reader reader(input);
  auto keys = MapKeys::enter(reader).value();
  const auto next = [&] {
    const Key key = *keys.next().value();
    EXPECT_TRUE(reader.skip());
    return key;
  };
  EXPECT_EQ(next().integer, -11);
  EXPECT_EQ(to_hex(next().encoded), "4107");
  EXPECT_EQ(next().text, "a");
  EXPECT_EQ(next().describe(), "map key h'814100'");
  EXPECT_FALSE(keys.next().value().has_value());
}

TEST(Cbor, OnlyIntegerKeysWhereAskedFor) {
  const Bytes input = hex("a20100616100");
  Reader reader(input);
  auto keys = MapKeys::enter(reader).value();
  EXPECT_EQ(*keys.next_integer().value(), 1);
  ASSERT_TRUE(reader.skip());
  EXPECT_EQ(keys.next_integer().error().message, "offset 3: map key \"a\" is no integer");
}

// ---------------------------------------------------------------------------------------------------- writer

TEST(Cbor, WhatIsWrittenIsTheShortestFormAndReadsBack) {
  Bytes out;
  Writer writer(out);
  writer.array(12).uint(23).uint(24).uint(256).uint(65536).uint(1ULL << 32U).integer(-1).integer(-257);
  writer.bytes(hex("00ff")).text("\u00e9").boolean(true).null().map(1).uint(1).tag(107).boolean(false);
  EXPECT_EQ(to_hex(out),
            "8c17"
            "1818"
            "190100"
            "1a00010000"
            "1b0000000100000000"
            "20"
            "390100"
            "4200ff"
            "62c3a9"
            "f5"
            "f6"
            "a101d86bf4");
  Reader reader(out);
  EXPECT_TRUE(reader.skip());
  EXPECT_TRUE(reader.at_end());
}

TEST(Cbor, EveryHeadRoundTripsAtItsLimits) {
  for (const std::uint64_t value : {0ULL, 23ULL, 24ULL, 255ULL, 256ULL, 65535ULL, 65536ULL, 0xFFFFFFFFULL, 1ULL << 32U,
                                    std::numeric_limits<unsigned long long>::max()}) {
    Bytes out;
    Writer(out).uint(value);
    EXPECT_EQ(Reader(out).read_uint().value(), value);
  }
  for (const std::int64_t value :
       {std::int64_t{-1}, std::int64_t{-24}, std::int64_t{-25}, std::int64_t{-256},
        std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    Bytes out;
    Writer(out).integer(value);
    EXPECT_EQ(Reader(out).read_int().value(), value);
  }
}

}  // namespace
}  // namespace hg::cbor
