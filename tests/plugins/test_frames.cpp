// SPDX-License-Identifier: Apache-2.0
// The frames of the plugin protocol: each kind survives the way there and back, and what breaks a rule is refused with
// a text that names the frame and the key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/cbor.hpp"
#include "wire/codec.hpp"
#include "wire/limits.hpp"

namespace hg::wire {
namespace {

Digest digest_of(std::uint8_t fill, std::size_t size = 32) {
  return *Digest::from_bytes(Bytes(size, fill));
}

std::shared_ptr<const Secret> psk(std::size_t size, std::uint8_t fill = 0x5A) {
  return std::make_shared<const Secret>(Bytes(size, fill));
}

std::shared_ptr<const Secret> passkey(std::string_view digits) {
  return std::make_shared<const Secret>(as_bytes(digits));
}

std::vector<Frame> one_of_each() {
  const Task task{70000, "boiler-3", 12, 10000};
  const Reply reply{70000, "boiler-3"};
  const Guard guard{1, digest_of(5, 64)};
  const Move move{1, digest_of(5, 64), digest_of(4)};
  Seen seen;
  seen.slots = {{0, 0, "1.2.3.4", digest_of(1), true, false, true, true, false}, {2, 255, "", {}, {}, {}, {}, {}, {}}};
  seen.revert_class = RevertClass::irrevocable;
  seen.bootloader = "MCUboot mode 3";
  seen.busy = true;
  Seen charged = seen;
  charged.battery_percent = 100;
  charged.staging = Staging::impossible;
  charged.obstacle = "direct-XIP";
  charged.busy_ms = 5000;
  charged.power = Power::battery;
  charged.identity = "boiler:0042";
  charged.boots = 7;
  charged.unit = "HTR-0042";
  charged.evidence = Evidence::version;
  const ProfileValues profile = {{"baud", std::int64_t{115200}},
                                 {"a", std::int64_t{-5}},
                                 {"line_gap_ms", true},
                                 {"name", std::string("µ")},
                                 {"keys", std::vector<std::string>{"a/b", ""}}};
  const std::vector<Patch> patches = {{0, {1, 2}}, {2, Bytes(4000, 3)}, {(1 << 20) - 1, {4}}};
  return {Hello{1, 4, "serial", kCanOffer | kCanBackup, "headgate-serial 0.1.0"},
          Welcome{1, "headgated 0.1.0"},
          Refused{Errc::denied, "no"},
          Enroll{"boiler-3", "/dev/ttyACM0", profile},
          Forget{"boiler-3"},
          Link{"boiler-3", true, "up", LinkSecurity::proven},
          Discovered{"meter-17", "/dev/ttyACM1", Uuid{1, 2, 3}, Uuid{4}, "METER 17"},
          Vanished{"meter-17"},
          LinkKey{"boiler-3", LinkKeyKind::psk, "boiler:0042", psk(32), {}},
          Radio{"boiler-3", "hci0", std::int16_t{-71}, std::uint16_t{247}, 123456, 2},
          Inspect{task},
          Offer{task, 1, "1.0.0", kMaxImageSize, Urgency::emergency},
          Backup{task},
          Deliver{task, digest_of(2), 1 << 20, 1, digest_of(3), Staging::in_place, patches, Bytes(kMaxRecord, 7)},
          Activate{task, {move, {0, {}, digest_of(6)}}},
          Confirm{task, {guard}},
          Revert{task, {}},
          Restore{task},
          Cancel{70000},
          Identify{task, Bytes(32, 9)},
          Prove{task, Bytes(1024, 9)},
          Inspected{reply, seen},
          OfferAnswer{reply, Willing::later, 60000, "tonight"},
          BackedUp{reply, "settings saved: 2"},
          Progress{reply, 5, 10},
          Delivered{reply},
          Ordered{reply, charged},
          GuardFailed{reply, seen},
          Restored{reply},
          Failed{reply, Errc::guard_failed, "why"},
          Identified{reply, Bytes(5, 1)},
          Proven{reply}};
}

TEST(Frames, EachKindSurvivesTheWay) {
  const auto frames = one_of_each();
  ASSERT_EQ(frames.size(), std::variant_size_v<Frame>);
  for (const Frame& frame : frames) {
    const auto bytes = encode(frame);
    ASSERT_TRUE(bytes) << name_of(frame);
    const auto again = decode(*bytes);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, frame) << name_of(frame);
  }
}

TEST(Frames, EachCutOneIsRefused) {
  for (const Frame& frame : one_of_each()) {
    const auto bytes = encode(frame);
    for (std::size_t size = 0; size < bytes->size(); ++size) {
      EXPECT_FALSE(decode(ByteView(*bytes).first(size))) << name_of(frame) << " cut to " << size;
    }
  }
}

TEST(Frames, TheBytesOfTheFirstFrameNeverChange) {
  const auto bytes = encode(Hello{1, 1, "serial", 0, "x"});
  EXPECT_EQ(to_hex(*bytes), "a6000101010201036673657269616c0400056178");
}

struct Broken {
  const char* name;
  const char* hex;
  const char* error;
};

class BrokenFrames : public testing::TestWithParam<Broken> {};

TEST_P(BrokenFrames, AreRefusedByName) {
  const auto decoded = decode(*from_hex(GetParam().hex));
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BrokenFrames,
    testing::Values(Broken{"Empty", "", "input ends"}, Broken{"NoMap", "8101", "array where map"},
                    Broken{"NoType", "a10101", "missing key 0 (type)"},
                    Broken{"UnknownType", "a1001863", "frame of unknown type 99"},
                    Broken{"MissingKey", "a2000501646100", "Forget: "},
                    Broken{"MissingChild", "a10005", "Forget: offset 3: missing key 1 (child)"},
                    Broken{"UnknownKey", "a300050161610200", "Forget: offset 7: unknown key 2"},
                    Broken{"RepeatedKey", "a3000501616101616a", "map key 1 twice"},
                    Broken{"OutOfOrder", "a3000602f5016161", "Link: "},
                    Broken{"WrongType", "a200050101", "key 1 (child)"},
                    Broken{"TextKey", "a200056161f5", "is no integer"},
                    Broken{"Indefinite", "bf0005016161ff", "indefinite"},
                    Broken{"BytesAfter", "a2000501616100", "Forget: offset 6: 1 bytes after the end"},
                    Broken{"NoName", "a2000501612f", "not a name"}, Broken{"EmptyName", "a200050160", "not a name"},
                    Broken{"DeadlineOverItsLimit", "a5000a01000261610300041b0000010000000000", "key 4 (deadline)"},
                    Broken{"NoErrorCode", "a300030118630260", "Refused"},
                    Broken{"NestedProfile", "a40004016161026003a161618100", "key 3 (profile)"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Frames, AUnitThatIsNoNameRefusesTheWholeFrame) {
  Seen seen;
  for (const std::string& unit : {std::string(), std::string("HTR 42"), std::string("a/b"), std::string(65, 'a')}) {
    seen.unit = unit;
    const auto decoded = decode(*encode(Inspected{{1, "boiler"}, seen}));
    ASSERT_FALSE(decoded) << unit;
    EXPECT_THAT(decoded.error().message, testing::HasSubstr("key 12 (unit)")) << unit;
  }
}

TEST(Frames, WhatHasPatchesIsSaidAsAnotherEncoderSaysIt) {
  Deliver deliver{{7, "boiler", 1, 10000}, digest_of(0x22), 1000, 0, digest_of(0x33)};
  deliver.patches = {{200, {1, 2, 3}}, {999, {4}}};
  deliver.record = {9};
  const std::string encoded = to_hex(*encode(deliver));  // the tail as Python's cbor2 writes it in canonical form
  EXPECT_THAT(encoded, testing::EndsWith("09000a828218c843010203821903e741040b4109"));
}

TEST(Frames, WhatIsAsItBeginsIsNotSaid) {
  const Link plain{"boiler", true, ""};
  EXPECT_EQ(to_hex(*encode(plain)), "a400060166626f696c657202f50360");
  EXPECT_EQ(std::get<Link>(*decode(*encode(plain))).security, LinkSecurity::none);
  const auto said = decode(*from_hex("a5000601616102f503600400"));
  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().message, testing::HasSubstr("key 4 (security)"));
  EXPECT_FALSE(decode(*from_hex("a5000601616102f503600403")));  // no such security
  EXPECT_TRUE(decode(*from_hex("a5000601616102f503600402")));
}

struct BadPatches {
  const char* name;
  std::vector<Patch> patches;
  const char* error;
};

class RefusedPatches : public testing::TestWithParam<BadPatches> {};

TEST_P(RefusedPatches, AreRefusedByName) {
  const Deliver deliver{{1, "a", 0, 0}, {}, 1000, 0, {}, Staging::aside, GetParam().patches};
  const auto decoded = decode(*encode(deliver));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::invalid);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("Deliver"));
  EXPECT_THAT(decoded.error().message, testing::HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedPatches,
    testing::Values(BadPatches{"BeyondTheEnd", {{990, Bytes(11, 1)}}, "patch beyond the end of the file"},
                    BadPatches{"BehindTheEnd", {{1001, {1}}}, "patch beyond the end of the file"},
                    BadPatches{"FarBehind", {{kMaxImageSize, {1}}}, "patch beyond the end of the file"},
                    BadPatches{"OutsideOfAnyFile", {{~std::uint64_t{0}, {1}}}, "key 10 (patches)"},
                    BadPatches{"Overlap", {{10, {1, 2}}, {11, {3}}}, "patch before the end of another one"},
                    BadPatches{"Descending", {{20, {1}}, {10, {2}}}, "patch before the end of another one"},
                    BadPatches{"Twice", {{20, {1}}, {20, {2}}}, "patch before the end of another one"},
                    BadPatches{"Empty", {{20, {}}}, "patch without bytes"},
                    BadPatches{"TooMany", std::vector<Patch>(9, {1, {1}}), "key 10 (patches)"},
                    BadPatches{"TooLong", {{0, Bytes(4097, 1)}}, "key 10 (patches)"},
                    BadPatches{"TooMuch", {{0, Bytes(600, 1)}, {700, Bytes(4000, 1)}}, "more than 4096 bytes"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Frames, PatchesUpToTheEndOfTheFileAreTaken) {
  EXPECT_TRUE(check_patches({{0, {1}}, {1, {2}}, {999, {3}}}, 1000));
  EXPECT_TRUE(check_patches({{0, Bytes(kMaxPatchBytes, 1)}}, kMaxPatchBytes));
  EXPECT_FALSE(check_patches(std::vector<Patch>(kMaxPatches + 1, {1, {1}}), 1000));
}

TEST(Frames, ARecordHasAtMost1024Bytes) {
  Deliver deliver{{1, "a", 0, 0}, {}, 1000, 0, {}};
  deliver.record = Bytes(kMaxRecord + 1, 1);
  const auto decoded = decode(*encode(deliver));
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("key 11 (record)"));
}

TEST(Frames, StrangersAreNamedAsChildrenAre) {
  for (const std::string& name : {std::string(), std::string("a b"), std::string(65, 'a')}) {
    EXPECT_FALSE(decode(*encode(Discovered{name, "", {}, {}, ""}))) << name;
    EXPECT_FALSE(decode(*encode(Vanished{name}))) << name;
  }
  EXPECT_FALSE(decode(*encode(Discovered{"a", std::string(kMaxAddress + 1, 'a'), {}, {}, ""})));
  EXPECT_FALSE(decode(*encode(Discovered{"a", "", {}, {}, std::string(kMaxText + 1, 'a')})));
  const auto decoded =
      decode(*from_hex("a50007016161026003410105"
                       "60"));  // a vendor of one byte
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("key 3 (vendor)"));
}

// ------------------------------------------------------------------------------------------------------------- LinkKey

TEST(LinkKeys, OfEachKindSurviveTheWay) {
  for (const LinkKey& key : {LinkKey{"a"}, LinkKey{"a", LinkKeyKind::psk, "a", psk(kLeastPsk), {}},
                             LinkKey{"a", LinkKeyKind::psk, std::string(kMaxIdentity, 'i'), psk(kMostPsk), {}},
                             LinkKey{"a", LinkKeyKind::certificate, "", {}, digest_of(7)},
                             LinkKey{"a", LinkKeyKind::passkey, "", passkey("000042"), {}}}) {
    const auto again = decode(*encode(key));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(std::get<LinkKey>(*again), key);
  }
  EXPECT_NE((LinkKey{"a", LinkKeyKind::psk, "a", psk(16, 1), {}}),
            (LinkKey{"a", LinkKeyKind::psk, "a", psk(16, 2), {}}));
}

TEST(LinkKeys, AreSaidAsAnotherEncoderSaysThem) {
  EXPECT_EQ(to_hex(*encode(LinkKey{"a", LinkKeyKind::psk, "b", psk(16, 1), {}})),
            "a500090161610201036162045001010101010101010101010101010101");
  EXPECT_EQ(to_hex(*encode(LinkKey{"a"})), "a300090161610200");
  EXPECT_EQ(to_hex(*encode(LinkKey{"a", LinkKeyKind::passkey, "", passkey("000042"), {}})),
            "a40009016161020304"
            "46303030303432");
}

TEST(LinkKeys, HoldASecretIfTheyArePsksOrPasskeys) {
  EXPECT_TRUE(holds_secret(LinkKey{"a", LinkKeyKind::psk, "a", psk(16), {}}));
  EXPECT_TRUE(holds_secret(LinkKey{"a", LinkKeyKind::passkey, "", passkey("123456"), {}}));
  EXPECT_FALSE(holds_secret(LinkKey{"a", LinkKeyKind::certificate, "", {}, digest_of(7)}));
  EXPECT_FALSE(holds_secret(Forget{"a"}));
}

struct BadLinkKey {
  const char* name;
  LinkKey key;
  const char* error;
};

class RefusedLinkKeys : public testing::TestWithParam<BadLinkKey> {};

TEST_P(RefusedLinkKeys, AreRefusedByName) {
  const auto decoded = decode(*encode(GetParam().key));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::invalid);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("LinkKey"));
  EXPECT_THAT(decoded.error().message, testing::HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedLinkKeys,
    testing::Values(
        BadLinkKey{"NoName", {"a b"}, "not a name"},
        BadLinkKey{"NoSuchKind", {"a", static_cast<LinkKeyKind>(4)}, "key 2 (kind)"},
        BadLinkKey{"ShortSecret", {"a", LinkKeyKind::psk, "a", psk(15), {}}, "a PSK has 16 to 64 bytes"},
        BadLinkKey{"LongSecret", {"a", LinkKeyKind::psk, "a", psk(65), {}}, "key 4 (secret)"},
        BadLinkKey{"NoSecret", {"a", LinkKeyKind::psk, "a", {}, {}}, "a PSK has 16 to 64 bytes"},
        BadLinkKey{"NoIdentity", {"a", LinkKeyKind::psk, "", psk(16), {}}, "identity of 1 to 64 bytes"},
        BadLinkKey{"LongIdentity", {"a", LinkKeyKind::psk, std::string(65, 'i'), psk(16), {}}, "key 3 (identity)"},
        BadLinkKey{
            "PskWithACertificate", {"a", LinkKeyKind::psk, "a", psk(16), digest_of(7)}, "digest of a certificate"},
        BadLinkKey{"NoPasskey", {"a", LinkKeyKind::passkey, "", {}, {}}, "exactly six decimal digits"},
        BadLinkKey{"ShortPasskey", {"a", LinkKeyKind::passkey, "", passkey("12345"), {}}, "exactly six decimal digits"},
        BadLinkKey{
            "LongPasskey", {"a", LinkKeyKind::passkey, "", passkey("1234567"), {}}, "exactly six decimal digits"},
        BadLinkKey{"PasskeyOfLetters", {"a", LinkKeyKind::passkey, "", passkey("12345a"), {}}, "exactly six decimal"},
        BadLinkKey{"PasskeyWithASign", {"a", LinkKeyKind::passkey, "", passkey("-12345"), {}}, "exactly six decimal"},
        BadLinkKey{"IdentityOfAPasskey", {"a", LinkKeyKind::passkey, "a", passkey("123456"), {}}, "no PSK's"},
        BadLinkKey{"CertificateOfAPasskey",
                   {"a", LinkKeyKind::passkey, "", passkey("123456"), digest_of(7)},
                   "digest of a certificate"},
        BadLinkKey{"SecretOfNothing", {"a", LinkKeyKind::none, "", psk(16), {}}, "no PSK's"},
        BadLinkKey{"SecretOfACertificate", {"a", LinkKeyKind::certificate, "", psk(16), digest_of(7)}, "no PSK's"},
        BadLinkKey{"IdentityOfACertificate", {"a", LinkKeyKind::certificate, "a", {}, digest_of(7)}, "no PSK's"},
        BadLinkKey{"NoDigest", {"a", LinkKeyKind::certificate, "", {}, {}}, "digest of a certificate"},
        BadLinkKey{"ShortDigest", {"a", LinkKeyKind::certificate, "", {}, digest_of(7, 20)}, "digest of a certificate"},
        BadLinkKey{"LongDigest", {"a", LinkKeyKind::certificate, "", {}, digest_of(7, 64)}, "digest of a certificate"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(LinkKeys, AnEmptySecretIsNoWayToSayNone) {
  const auto decoded =
      decode(*from_hex("a40009016161020004"
                       "40"));
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("to be left out where there is none"));
}

// --------------------------------------------------------------------------------------------------------------- Radio

TEST(Radios, AreSaidAsAnotherEncoderSaysThem) {
  EXPECT_EQ(to_hex(*encode(Radio{"a", "hci0", std::int16_t{-71}, std::uint16_t{247}, 1000, 2})),
            "a700182001616102646863693003384604"
            "18f7051903e80602");
  EXPECT_EQ(to_hex(*encode(Radio{.child = "a"})), "a5001820016161026005000600");
}

TEST(Radios, WithinTheirBoundsSurviveTheWay) {
  for (const Radio& radio :
       {Radio{.child = "a"}, Radio{"a", std::string(kMaxName, 'h'), std::int16_t{-127}, std::uint16_t{0}, 0},
        Radio{"a", "", std::int16_t{20}, std::uint16_t{65535}, ~std::uint64_t{0}, ~std::uint64_t{0}}}) {
    const auto again = decode(*encode(radio));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(std::get<Radio>(*again), radio);
  }
}

TEST(Radios, BeyondTheirBoundsAreRefusedByName) {
  struct Row {
    Radio radio;
    const char* error;
  };
  for (const auto& [radio, error] : {Row{{"a b", "", {}, {}, 0}, "not a name"},
                                     Row{{"a", std::string(kMaxName + 1, 'h'), {}, {}, 0}, "key 2 (adapter)"},
                                     Row{{"a", "", std::int16_t{-128}, {}, 0}, "key 3 (rssi)"},
                                     Row{{"a", "", std::int16_t{21}, {}, 0}, "key 3 (rssi)"}}) {
    const auto decoded = decode(*encode(radio));
    ASSERT_FALSE(decoded) << error;
    EXPECT_THAT(decoded.error().message, testing::HasSubstr(error));
  }
  const auto decoded = decode(*from_hex("a50018200161610260041a000100000500"));  // an MTU of 65536
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("key 4 (mtu)"));
}

TEST(Frames, APluginThatKnowsNoUnitsIsUnderstood) {
  const auto decoded = decode(*encode(Inspected{{1, "boiler"}, {}}));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_FALSE(std::get<Inspected>(*decoded).seen.unit);
}

TEST(Frames, MoreThan16KiBIsRefused) {
  const auto decoded = decode(Bytes(17 * 1024, 0));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::too_large);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("17408"));
}

TEST(Frames, ListsAreBounded) {
  Inspected many{{1, "a"}, {}};
  many.seen.slots.resize(kMaxSlots + 1);
  EXPECT_FALSE(decode(*encode(many)));
  Enroll wide{"a", "", {}};
  for (std::size_t i = 0; i <= kMaxProfileValues; ++i) wide.profile["v" + std::to_string(i)] = true;
  EXPECT_FALSE(decode(*encode(wide)));
}

TEST(Frames, ThoseOfAnotherEncoderAreUnderstood) {
  std::size_t count = 0;  // the fuzzer's seeds were written by Python's cbor2
  for (const auto& entry : std::filesystem::directory_iterator(HEADGATE_SOURCE_DIR "/tests/fuzz/seeds/fuzz_frames")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const Bytes bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_TRUE(decode(bytes)) << entry.path() << ": " << decode(bytes).error().message;
    ++count;
  }
  EXPECT_GE(count, 16U);
}

TEST(Frames, TextForPeopleIsCutBetweenCharacters) {
  const std::string text(kMaxText - 1, 'a');
  EXPECT_EQ(bounded_text(text + "µm"), text);
  EXPECT_EQ(bounded_text("a\xFFz"), "a?z");
}

}  // namespace
}  // namespace hg::wire
