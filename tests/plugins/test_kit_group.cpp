// SPDX-License-Identifier: Apache-2.0
// The gateway's bodies for the child kit, against the bytes of docs/child-protocol.md, and what a child may answer
// instead: nothing of it is believed beyond its bounds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cbor.hpp"
#include "plugins/page_examples.hpp"
#include "smp/kit_group.hpp"
#include "smp/packet.hpp"
#include "smp/refusal.hpp"
#include "wire/limits.hpp"

namespace hg::smp {
namespace {

using test::page_example;

Bytes body_of(const Bytes& packet) {
  return {packet.begin() + kHeaderSize, packet.end()};
}

Bytes hex(std::string_view digits) {
  return *from_hex(digits);
}

Bytes count_from(std::uint8_t first, std::size_t size) {
  Bytes bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(first + i));
  return bytes;
}

/// The hash of an image in the page's confirm_all.
Digest hash_at(std::size_t offset) {
  const Bytes request = page_example("confirm_all request");
  return *Digest::from_bytes(ByteView(request).subspan(offset, 32));
}

// --------------------------------------------------------------------------------------------- the page's examples

TEST(KitGroup, RequestsAreThePages) {
  EXPECT_EQ(body_of(*identify_request(count_from(0x10, 16))), page_example("identify request"));
  EXPECT_EQ(body_of(*prove_request(page_example("prove request"))), page_example("prove request"));
  EXPECT_EQ(body_of(kit_status_request()), page_example("status request"));
  EXPECT_EQ(body_of(offer_request({0, "1.5.0", 212992, wire::Urgency::major})), page_example("offer request"));
  EXPECT_EQ(body_of(notice_request({KitLoss::reset, 5000, 20000})), page_example("notice request"));
  const std::vector<wire::Guard> guards = {{0, hash_at(24)}, {1, hash_at(71)}};
  EXPECT_EQ(body_of(confirm_all_request(guards)), page_example("confirm_all request"));
}

TEST(KitGroup, RequestsLeaveRoomForTheHeader) {
  for (const Bytes& packet : {*identify_request(count_from(0, 32)), kit_status_request(), offer_request({}),
                              notice_request({}), confirm_all_request({}), *prove_request(hex("a0"))}) {
    EXPECT_THAT(Bytes(packet.begin(), packet.begin() + kHeaderSize), testing::Each(0));
    EXPECT_GT(packet.size(), kHeaderSize);
  }
}

TEST(KitGroup, AStatusIsRead) {
  const auto status = kit_status_in(page_example("status answer"));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->id, "boiler-7");
  EXPECT_TRUE(status->can_identify && status->can_offer && status->can_notice && status->can_confirm_all);
  EXPECT_FALSE(status->must_prove);
  EXPECT_EQ(status->boots, 12U);
  EXPECT_EQ(status->reset, KitReset::watchdog);
  EXPECT_EQ(status->battery_percent, 87);
  EXPECT_EQ(status->power, wire::Power::battery);
  EXPECT_TRUE(status->busy);
  EXPECT_EQ(status->busy_ms, 90000U);
}

TEST(KitGroup, AStatusSaysHowTheLinkIsProtected) {
  EXPECT_FALSE(kit_status_in(page_example("status answer"))->link_level);
  EXPECT_EQ(kit_status_in(page_example("status answer over Bluetooth"))->link_level, 4);
  for (const auto& [level, is_one] :
       {std::pair{-1, false}, {0, false}, {1, true}, {4, true}, {5, false}, {260, false}}) {
    Bytes body;
    cbor::Writer(body).map(1).text("level").integer(level);
    const auto status = kit_status_in(body);
    ASSERT_TRUE(status) << level;
    EXPECT_EQ(status->link_level.has_value(), is_one) << level;
  }
}

TEST(KitGroup, AUnitIsReadIfItIsAName) {
  EXPECT_EQ(kit_status_in(page_example("status answer"))->unit, "");
  EXPECT_EQ(kit_status_in(page_example("status answer with unit"))->unit, "HTR-0042");
  for (const char* odd : {"", "HTR 42", "a/b", "\xFF"}) {
    Bytes body;
    cbor::Writer(body).map(2).text("unit").text(odd).text("boots").uint(3);
    const auto status = kit_status_in(body);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(status->unit, "") << odd;
    EXPECT_EQ(status->boots, 3U) << "what else it says is not lost";
  }
}

TEST(KitGroup, DecisionsAreRead) {
  const auto yes = decision_in(page_example("offer answer yes"));
  ASSERT_TRUE(yes);
  EXPECT_EQ(yes->willing, wire::Willing::yes);
  const auto later = decision_in(page_example("offer answer later"));
  ASSERT_TRUE(later);
  EXPECT_EQ(later->willing, wire::Willing::later);
  EXPECT_EQ(later->wait_ms, 3600000U);
  EXPECT_EQ(later->text, "brewing");
}

TEST(KitGroup, NoticesAreAnswered) {
  EXPECT_EQ(*notice_answer_in(page_example("notice answer")), 0U);
  EXPECT_EQ(*notice_answer_in(page_example("notice answer not now")), 60000U);
}

TEST(KitGroup, EvidenceInTheRightFormIsRelayedAsItCame) {
  for (const char* name : {"identify answer", "identify answer without key"}) {
    EXPECT_EQ(*evidence_in(page_example(name)), page_example(name));
  }
}

/// The daemon reads strictly, and zcbor writes such maps unless it is built to be canonical.
TEST(KitGroup, EvidenceInAnotherFormIsRelayedAsTheDaemonReadsIt) {
  Bytes plain;
  cbor::Writer(plain).map(2).text("says").bytes(hex("a0")).text("mac").bytes(hex("0102"));
  struct Case {
    const char* what;
    const char* body;
  };
  const Case cases[] = {{"indefinite map", "bf647361797341a0636d6163420102ff"},
                        {"longer heads", "b9000278047361797358 01a0636d61635900020102"},
                        {"another order", "a2636d6163420102647361797341a0"},
                        {"a key that nobody knows", "a3647361797341a0656578747261 5f41ffff636d6163420102"}};
  for (const Case& each : cases) {
    std::string digits = each.body;
    std::erase(digits, ' ');
    const auto evidence = evidence_in(hex(digits));
    ASSERT_TRUE(evidence) << each.what << ": " << evidence.error().message;
    EXPECT_EQ(*evidence, plain) << each.what;
  }
}

TEST(KitGroup, RefusalsOfThePageAreRefusals) {
  const auto v2 = refusal_in(page_example("refusal v2"));
  ASSERT_TRUE(v2 && *v2);
  EXPECT_EQ((*v2)->group, kKitGroup);
  EXPECT_EQ((*v2)->code, 9);
  EXPECT_EQ(error_from(**v2).message, "the child refuses: kit error 9 (this is not what runs) for image 1");
  const auto v1 = refusal_in(page_example("refusal v1"));
  ASSERT_TRUE(v1 && *v1);
  EXPECT_EQ((*v1)->code, 6);
  EXPECT_EQ((*v1)->image, 1);
}

// ------------------------------------------------------------------------------------------- what else may come back

TEST(KitGroup, AnEmptyStatusKnowsNothing) {
  for (const char* empty : {"a0", "bfff"}) {
    const auto status = kit_status_in(hex(empty));
    ASSERT_TRUE(status);
    EXPECT_EQ(status->id, "");
    EXPECT_FALSE(status->can_identify || status->can_offer || status->can_notice || status->can_confirm_all);
    EXPECT_FALSE(status->boots || status->battery_percent || status->busy || status->must_prove);
  }
}

TEST(KitGroup, StatusValuesBeyondTheirRangeAreUnknown) {
  Bytes body;
  cbor::Writer(body)
      .map(6)
      .text("battery")
      .uint(101)
      .text("power")
      .uint(7)
      .text("reset")
      .uint(99)
      .text("ms")
      .uint(UINT64_MAX >> 1U)
      .text("can")
      .uint(0xFFFFFF02)
      .text("boots")
      .integer(-5);
  const auto status = kit_status_in(body);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_FALSE(status->battery_percent);
  EXPECT_EQ(status->power, wire::Power::unknown);
  EXPECT_EQ(status->reset, KitReset::unknown);
  EXPECT_EQ(status->busy_ms, wire::kMaxDeadlineMs);
  EXPECT_TRUE(status->can_offer);
  EXPECT_FALSE(status->can_notice || status->can_confirm_all || status->can_identify);
  EXPECT_EQ(status->boots, 0U);
}

TEST(KitGroup, UnknownKeysAreSkipped) {
  Bytes body;
  cbor::Writer(body).map(3).text("colour").array(2).integer(-1).text("x").uint(7).map(0).text("busy").boolean(true);
  const auto status = kit_status_in(body);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->busy);
}

TEST(KitGroup, WrongTypesAndLongTextsAreErrors) {
  Bytes long_id;
  cbor::Writer(long_id).map(1).text("id").text(std::string(65, 'x'));
  Bytes number_id;
  cbor::Writer(number_id).map(1).text("id").uint(1);
  for (const Bytes& body : {long_id, number_id, hex("80"), hex(""), hex("a1")}) {
    const auto status = kit_status_in(body);
    ASSERT_FALSE(status) << to_hex(body);
    EXPECT_EQ(status.error().code, Errc::invalid);
  }
}

TEST(KitGroup, TextsAreUtf8) {
  Bytes body = hex("a1626964");  // {"id": text(2) c3 28}
  for (const std::uint8_t byte : hex("62c328")) body.push_back(byte);
  const auto status = kit_status_in(body);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->id, "?");
}

TEST(KitGroup, ADecisionNeedsItsAnswerAndAnUnknownOneIsNo) {
  EXPECT_FALSE(decision_in(hex("a0")));
  Bytes body;
  cbor::Writer(body).map(1).text("answer").uint(3);
  const auto decision = decision_in(body);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->willing, wire::Willing::no);
}

TEST(KitGroup, EvidenceWithoutClaimsOrTooLongIsNotRelayed) {
  EXPECT_FALSE(evidence_in(hex("a0")));
  EXPECT_FALSE(evidence_in(hex("a1647361797301")));  // {"says": 1}
  Bytes body;
  cbor::Writer(body).map(1).text("says").bytes(Bytes(wire::kMaxProof));
  ASSERT_FALSE(evidence_in(body));
  EXPECT_EQ(evidence_in(body).error().code, Errc::too_large);
}

TEST(KitGroup, NoncesHave16To32Bytes) {
  for (const std::size_t size : {0U, 15U, 33U}) EXPECT_FALSE(identify_request(Bytes(size))) << size;
  for (const std::size_t size : {16U, 32U}) EXPECT_TRUE(identify_request(Bytes(size))) << size;
}

TEST(KitGroup, AProofIsAMapOfBoundedSize) {
  EXPECT_FALSE(prove_request(hex("40")));
  EXPECT_FALSE(prove_request(hex("a1636d6163")));
  EXPECT_FALSE(prove_request(Bytes(wire::kMaxProof + 1, 0xA0)));
}

TEST(KitGroup, AnOfferedVersionIsCutBetweenTwoCharacters) {
  const std::string version = std::string(63, '1') + "\xC3\xA9";  // the last character would be byte 64 and 65
  const Bytes packet = offer_request({0, version, 1, wire::Urgency::minor});
  const std::string text(packet.begin(), packet.end());
  EXPECT_NE(text.find(std::string(63, '1')), std::string::npos);
  EXPECT_EQ(text.find('\xC3'), std::string::npos);
}

}  // namespace
}  // namespace hg::smp
