// SPDX-License-Identifier: Apache-2.0
// Requests and answers of SMP's groups, refusals, what a bootloader's mode means, and the profile: tables over bytes
// that come from the specification or from a Zephyr 3.5 child (reference smp.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cbor.hpp"
#include "smp/bootloader.hpp"
#include "smp/fs_group.hpp"
#include "smp/image_group.hpp"
#include "smp/packet.hpp"
#include "smp/profile.hpp"
#include "smp/refusal.hpp"
#include "smp/settings_group.hpp"

namespace hg::smp {
namespace {

using wire::RevertClass;
using wire::Staging;

Bytes hex(std::string_view digits) {
  return *from_hex(digits);
}
/// The body of a request in hexadecimal digits.
std::string body_of(const Bytes& packet) {
  return to_hex(ByteView(packet).subspan(kHeaderSize));
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
    testing::Values(
        Said{"Empty", "a0", "", {}}, Said{"OldSuccess", "bf62726300ff", "", {}},
        Said{"Result", "bf636f666619c646ff", "", {}},
        Said{"Unsupported", "bf62726308ff", "error 8 (not supported)", Errc::unsupported},
        Said{"Busy", "a16272630a", "error 10 (busy)", Errc::busy},
        Said{"ImagePending", "bf63657272bf6567726f757001627263181cffff", "image error 28 (an image is pending",
             Errc::denied},
        Said{"CodeFirst", "a163657272a2627263026567726f757000", "os error 2 (invalid format)", Errc::denied},
        Said{"OtherGroup", "a163657272a26567726f7570183f62726301", "group 63 error 1", Errc::denied},
        Said{"NoFreeSlot", "bf63657272bf6567726f75700162726309ffff", "image error 9 (no free slot)", Errc::denied},
        Said{"NoSuchHash", "bf63657272bf6567726f75700162726308ffff", "image error 8 (no image with this hash)",
             Errc::not_found},
        Said{"NotConfirmed", "bf63657272bf6567726f7570016272631820ffff", "image error 32 (confirming is not allowed)",
             Errc::denied},
        Said{"NoSuchKey", "a163657272a26567726f75700362726303", "settings error 3 (no such key)", Errc::not_found},
        Said{"NoSuchRoot", "a163657272a26567726f75700362726305", "settings error 5 (no such root", Errc::not_found},
        Said{"NoSuchFile", "a163657272a26567726f75700862726303", "fs error 3 (no such file)", Errc::not_found},
        Said{"FileIsEmpty", "a163657272a26567726f75700862726310", "fs error 16 (the file is empty)", Errc::denied},
        Said{"NoSuchEntryInVersion1", "a162726305", "error 5 (no such entry)", Errc::not_found},
        Said{"BadStateInVersion1", "a162726306", "error 6 (bad state)", Errc::denied},
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

TEST(Profile, ReadsEveryQuirk) {
  const auto profile = profile_from({{"packet", std::int64_t{368}},
                                     {"window", std::int64_t{3}},
                                     {"chunk_align", std::int64_t{4}},
                                     {"line_gap_ms", std::int64_t{2}},
                                     {"boot_silence_ms", std::int64_t{3000}},
                                     {"raw_silence_ms", std::int64_t{5000}},
                                     {"smp_version", std::int64_t{1}},
                                     {"recovery", std::string("never")},
                                     {"framing", std::string("raw")},
                                     {"confirms_all", true},
                                     {"force_reset", true},
                                     {"backup_settings", std::vector<std::string>{"net/name", "net/key"}},
                                     {"backup_files", std::vector<std::string>{"/lfs/rules"}}});
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->packet, 368U);
  EXPECT_EQ(profile->window, 3U);
  EXPECT_EQ(profile->chunk_align, 4U);
  EXPECT_EQ(profile->line_gap, Milliseconds{2});
  EXPECT_EQ(profile->boot_silence, Milliseconds{3000});
  EXPECT_EQ(profile->raw_silence, Milliseconds{5000});
  EXPECT_EQ(profile->speaks, Speaks::only_v1);
  EXPECT_EQ(profile->rescue, Rescue::never);
  EXPECT_EQ(profile->framing, Framing::raw);
  EXPECT_TRUE(profile->confirms_all && profile->force_reset);
  EXPECT_EQ(profile->backup_settings, (std::vector<std::string>{"net/name", "net/key"}));
  EXPECT_EQ(profile->backup_files, std::vector<std::string>{"/lfs/rules"});
}

TEST(Profile, NamesEachValueOfAnotherKind) {
  const std::map<std::string, wire::ProfileValue> wrong = {{"recovery", std::string("sometimes")},
                                                           {"framing", true},
                                                           {"confirms_all", std::int64_t{1}},
                                                           {"backup_files", std::string("/lfs")},
                                                           {"window", std::int64_t{17}},
                                                           {"smp_version", std::int64_t{3}},
                                                           {"backup_settings", std::vector<std::string>{""}},
                                                           {"chunk_align", std::int64_t{0}}};
  for (const auto& [name, value] : wrong) {
    const auto profile = profile_from({{name, value}});
    ASSERT_FALSE(profile) << name;
    EXPECT_THAT(profile.error().message, testing::HasSubstr(name));
  }
}

TEST(Answers, SlotSizesKeepWhatHoldsForAWholeImage) {
  Bytes body;
  cbor::Writer writer(body);
  writer.map(1).text("images").array(2);
  writer.map(3).text("image").uint(0).text("slots").array(2);
  writer.map(2).text("slot").uint(0).text("size").uint(430080);
  writer.map(3).text("slot").uint(1).text("size").uint(430080).text("upload_image_id").uint(2);
  writer.text("max_image_size").uint(421888);
  writer.map(2).text("slots").array(1).map(1).text("slot").uint(0).text("image").uint(1);
  const auto sizes = slot_sizes_in(body);
  ASSERT_TRUE(sizes) << sizes.error().message;
  ASSERT_EQ(sizes->size(), 3U);
  EXPECT_EQ((*sizes)[1].largest, 421888U);
  EXPECT_EQ((*sizes)[1].upload_image, 2);
  EXPECT_EQ((*sizes)[2].image, 1);
  EXPECT_EQ((*sizes)[2].largest, 0U);
}

TEST(Answers, SettingsAndFilesNeedWhatTheyAreAskedFor) {
  const auto setting = setting_in(hex("a26376616c43010203686d61785f73697a651820"));
  ASSERT_TRUE(setting);
  EXPECT_EQ(setting->value, (Bytes{1, 2, 3}));
  EXPECT_EQ(setting->limit, 32U);
  EXPECT_FALSE(setting_in(hex("a0")));
  const auto piece =
      file_piece_in(hex("bf636f66660064646174614201026"
                        "36c656e191388ff"));
  ASSERT_TRUE(piece) << piece.error().message;
  EXPECT_EQ(piece->size, 5000U);
  EXPECT_EQ(piece->data, (Bytes{1, 2}));
  EXPECT_FALSE(file_piece_in(hex("a1636f666600")));
  EXPECT_FALSE(file_offset_in(hex("a0")));
  EXPECT_EQ(*file_hash_in(hex("a1666f75747075741a00112233")), std::nullopt);  // a CRC
  Bytes hash;
  cbor::Writer(hash).map(1).text("output").bytes(Bytes(32, 7));
  EXPECT_EQ(**file_hash_in(hash), *Digest::from_bytes(Bytes(32, 7)));
}

TEST(Answers, GroupsThatAChildHas) {
  EXPECT_EQ(*groups_in(hex("a16667726f7570738300011903e8")), (std::vector<std::uint16_t>{0, 1, 1000}));
  EXPECT_FALSE(groups_in(hex("a16667726f757073811a00010000")));
}

TEST(Requests, SayWhatTheyAreToldTo) {
  EXPECT_EQ(body_of(empty_request()), "a0");
  EXPECT_EQ(body_of(reset_request({})), "a0");
  EXPECT_EQ(body_of(reset_request({.force = true, .boot_mode = 1})), "a265666f7263650169626f6f745f6d6f646501");
  EXPECT_EQ(body_of(confirm_request(std::nullopt)), "a167636f6e6669726df5");
  EXPECT_EQ(body_of(erase_request(3)), "a164736c6f7403");
  EXPECT_EQ(body_of(setting_write_request("a/b", Bytes{9})), "a2646e616d6563612f626376616c4109");
  EXPECT_EQ(body_of(file_download_request("/f", 300)),
            "a2636f66661901"
            "2c646e616d65622f66");
}

// --------------------------------------------------------------------------------------------------------- bootloader

struct ModeRow {
  std::optional<int> mode;
  RevertClass alone;    // one image number
  RevertClass several;  // two, which cannot be confirmed in one
  Staging staging;
  const char* name;
};
class Modes : public testing::TestWithParam<ModeRow> {};

TEST_P(Modes, SayWhereAnImageGoesAndHowTheChildComesBack) {
  const ModeRow& row = GetParam();
  const BootloaderInfo info{.name = "MCUboot", .mode = row.mode, .no_downgrade = false};
  const Character alone = character_of(info, {.is_recovery = false, .images = 1, .can_confirm_all = false});
  EXPECT_EQ(alone.revert_class, row.alone);
  EXPECT_EQ(alone.staging, row.staging);
  EXPECT_EQ(alone.obstacle.empty(), row.staging != Staging::impossible);
  EXPECT_FALSE(alone.marks_for_good);
  const Character several = character_of(info, {.is_recovery = false, .images = 2, .can_confirm_all = false});
  EXPECT_EQ(several.revert_class, row.several);
  EXPECT_EQ(several.marks_for_good, row.alone != row.several);
  const Character whole = character_of(info, {.is_recovery = false, .images = 2, .can_confirm_all = true});
  EXPECT_EQ(whole.revert_class, row.alone);
  EXPECT_FALSE(whole.marks_for_good);
  const Character rescue = character_of(info, {.is_recovery = true, .images = 1, .can_confirm_all = true});
  EXPECT_EQ(rescue.revert_class, RevertClass::unstageable);
  EXPECT_EQ(rescue.staging, Staging::in_place);
  EXPECT_THAT(text_of(info), testing::HasSubstr(row.name));
}

INSTANTIATE_TEST_SUITE_P(
    Table, Modes,
    testing::Values(
        ModeRow{{}, RevertClass::unknown, RevertClass::unknown, Staging::aside, "MCUboot"},
        ModeRow{-1, RevertClass::unknown, RevertClass::unknown, Staging::aside, "mode -1 (unknown)"},
        ModeRow{0, RevertClass::unstageable, RevertClass::unstageable, Staging::impossible, "mode 0 (single slot)"},
        ModeRow{1, RevertClass::self_reverting, RevertClass::irrevocable, Staging::aside, "swap using scratch"},
        ModeRow{2, RevertClass::irrevocable, RevertClass::irrevocable, Staging::aside, "overwrite only"},
        ModeRow{3, RevertClass::self_reverting, RevertClass::irrevocable, Staging::aside, "swap using move"},
        ModeRow{4, RevertClass::irrevocable, RevertClass::irrevocable, Staging::impossible, "direct XIP"},
        ModeRow{5, RevertClass::self_reverting, RevertClass::self_reverting, Staging::impossible, "with revert"},
        ModeRow{6, RevertClass::unknown, RevertClass::unknown, Staging::impossible, "RAM load"},
        ModeRow{7, RevertClass::unknown, RevertClass::unknown, Staging::impossible, "firmware loader"},
        ModeRow{8, RevertClass::unstageable, RevertClass::unstageable, Staging::impossible, "single slot RAM load"},
        ModeRow{9, RevertClass::self_reverting, RevertClass::irrevocable, Staging::aside, "swap using offset"},
        ModeRow{10, RevertClass::unknown, RevertClass::unknown, Staging::aside, "unknown"},
        ModeRow{255, RevertClass::unknown, RevertClass::unknown, Staging::aside, "unknown"}),
    [](const auto& row) {
      const int mode = row.param.mode.value_or(-2);
      return mode == -2 ? std::string("None") : mode < 0 ? std::string("Negative") : "Mode" + std::to_string(mode);
    });

TEST(Modes, WhatOverwritesIsReinstalledOnlyIfItTakesOlderImages) {
  const auto class_of = [](int mode, bool no_downgrade, bool takes_older, std::size_t images = 1) {
    return character_of({.name = "MCUboot", .mode = mode, .no_downgrade = no_downgrade},
                        {.is_recovery = false, .images = images, .can_confirm_all = false, .takes_older = takes_older})
        .revert_class;
  };
  EXPECT_EQ(class_of(2, false, true), RevertClass::reinstall);
  EXPECT_EQ(class_of(2, false, true, 2), RevertClass::reinstall);
  EXPECT_EQ(class_of(2, false, false), RevertClass::irrevocable) << "never guessed upward";
  EXPECT_EQ(class_of(2, true, true), RevertClass::irrevocable) << "the child knows better than the profile";
  EXPECT_EQ(class_of(3, false, true), RevertClass::self_reverting);
  EXPECT_EQ(class_of(3, false, true, 2), RevertClass::irrevocable) << "it is marked for good";
}

TEST(Modes, NoDowngradeIsShown) {
  EXPECT_EQ(text_of({.name = "MCUboot", .mode = 2, .no_downgrade = true}),
            "MCUboot mode 2 (overwrite only), no downgrade");
}

}  // namespace
}  // namespace hg::smp
