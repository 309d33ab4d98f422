// SPDX-License-Identifier: Apache-2.0
// The pure parts of the SMP client: header, lenient CBOR, refusals and answers. Byte strings that are
// not our own come from the specification, from Python's binascii, or from a Zephyr 3.5 child (reference smp.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cbor.hpp"
#include "smp/groups.hpp"
#include "smp/loose_cbor.hpp"
#include "smp/packet.hpp"
#include "smp/profile.hpp"
#include "smp/refusal.hpp"

namespace hg::smp {
namespace {

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

// ----------------------------------------------------------------------------------------------- refusals and answers

struct Said {
  const char* name;
  const char* body;
  const char* text;  // "": no refusal
  Errc code;
};
class Refusals : public testing::TestWithParam<Said> {};

TEST_P(Refusals, AreUnderstoodInBothVersions) {
  const auto refusal = refusal_in(hex(GetParam().body));
  ASSERT_TRUE(refusal) << refusal.error().message;
  ASSERT_EQ(refusal->has_value(), GetParam().text[0] != '\0');
  if (!*refusal) return;
  const Error error = error_from(**refusal);
  EXPECT_THAT(error.message, testing::HasSubstr(GetParam().text));
  EXPECT_EQ(error.code, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Refusals,
    testing::Values(Said{"Empty", "a0", "", {}}, Said{"OldSuccess", "bf62726300ff", "", {}},
                    Said{"Result", "bf636f666619c646ff", "", {}},
                    Said{"Unsupported", "bf62726308ff", "error 8 (not supported)", Errc::unsupported},
                    Said{"Busy", "a16272630a", "error 10 (busy)", Errc::busy},
                    Said{"ImagePending", "bf63657272bf6567726f757001627263181cffff",
                         "image error 28 (an image is pending", Errc::denied},
                    Said{"CodeFirst", "a163657272a2627263026567726f757000", "group 0 error 2", Errc::denied},
                    Said{"OtherGroup", "a163657272a26567726f7570183f62726301", "group 63 error 1", Errc::denied},
                    Said{"Reason", "bf627263016372736e647768793fff", "error 1 (unknown error): why?", Errc::denied},
                    Said{"UserCode", "a1627263190101", "error 257 (unknown code)", Errc::denied},
                    Said{"NegativeCode", "a162726320", "error -1 (unknown code)", Errc::denied}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Refusals, MustStandInAMap) {
  EXPECT_FALSE(refusal_in({}));
  EXPECT_FALSE(refusal_in(hex("80")));
  EXPECT_FALSE(refusal_in(hex("bf627263")));
}

TEST(Answers, ListSlotsInEitherForm) {
  const std::string hash(64, '1');
  const std::string loose = "bf66696d616765739fbf64736c6f74006776657273696f6e65312e322e3364686173685820" + hash +
                            "68626f6f7461626c65f56770656e64696e67f469636f6e6669726d6564f566616374697665f5697065726d616e"
                            "656e74f4ffff6b73706c697453746174757300ff";
  const auto slots = slots_in(hex(loose));
  ASSERT_TRUE(slots) << slots.error().message;
  ASSERT_EQ(slots->size(), 1U);
  EXPECT_EQ((*slots)[0], (wire::Slot{0, 0, "1.2.3", *Digest::from_bytes(hex(hash)), true, false, true, true, false}));

  const auto frugal = slots_in(hex("a166696d6167657381a164736c6f7401"));
  ASSERT_TRUE(frugal);
  EXPECT_EQ((*frugal)[0].slot, 1);
  EXPECT_TRUE((*frugal)[0].digest.empty());
}

TEST(Answers, RefuseHostileLists) {
  EXPECT_FALSE(slots_in(hex("a0")));
  EXPECT_FALSE(slots_in(hex("a166696d6167657381a164736c6f74190100")));  // slot 256
  Bytes many;
  cbor::Writer writer(many);
  writer.map(1).text("images").array(33);
  for (int i = 0; i < 33; ++i) writer.map(0);
  EXPECT_EQ(slots_in(many).error().code, Errc::too_large);
  Bytes long_hash;
  cbor::Writer(long_hash).map(1).text("images").array(1).map(1).text("hash").bytes(Bytes(65));
  EXPECT_FALSE(slots_in(long_hash));
}

TEST(Answers, UploadNeedsAnOffset) {
  EXPECT_EQ(upload_answer_in(hex("bf636f666619c646ff"))->offset, 50758U);
  EXPECT_EQ(upload_answer_in(hex("a2636f666600656d61746368f4"))->match, false);
  EXPECT_FALSE(upload_answer_in(hex("a0")));
  EXPECT_FALSE(upload_answer_in(hex("a1636f666620")));  // -1
}

TEST(Answers, TheModeSaysHowAChildComesBack) {
  const auto class_of = [](int mode) {
    return revert_class_of({.name = "MCUboot", .mode = mode, .no_downgrade = false});
  };
  for (const int mode : {1, 3, 5, 9}) EXPECT_EQ(class_of(mode), wire::RevertClass::self_reverting) << mode;
  for (const int mode : {2, 4}) EXPECT_EQ(class_of(mode), wire::RevertClass::irrevocable) << mode;
  EXPECT_EQ(class_of(0), wire::RevertClass::unstageable);
  for (const int mode : {-1, 6, 7, 8, 10, 255}) EXPECT_EQ(class_of(mode), wire::RevertClass::unknown) << mode;
  EXPECT_EQ(revert_class_of({}), wire::RevertClass::unknown);
}

TEST(Requests, EchoesHaveTheSizeThatWasAskedFor) {
  for (const std::size_t size : {16U, 35U, 36U, 100U, 267U, 268U, 269U, 1020U}) {
    const std::size_t made = echo_request(size).size();
    EXPECT_LE(made, size);
    EXPECT_GE(made + 1, size);  // one short where the head of the text grows
  }
}

TEST(Profile, TakesDefaultsAndNamesWhatIsWrong) {
  const auto defaults = profile_from({});
  ASSERT_TRUE(defaults);
  EXPECT_EQ(defaults->erase, Milliseconds{40000});
  EXPECT_EQ(profile_from({{"chunk_ms", std::int64_t{70}}})->chunk, Milliseconds{70});
  EXPECT_THAT(profile_from({{"chunk_ms", true}}).error().message, testing::HasSubstr("chunk_ms"));
  EXPECT_THAT(profile_from({{"packet", std::int64_t{5}}}).error().message, testing::HasSubstr("packet"));
  EXPECT_FALSE(profile_from({{"reset_delay_ms", std::int64_t{-1}}}));
}

}  // namespace
}  // namespace hg::smp
