// SPDX-License-Identifier: Apache-2.0
// The child kit in C as firmware would use it: against the bytes of docs/child-protocol.md (which
// tests/author/child_kit.py computed), with bodies cut at every length, answers that do not fit at every size, and
// everything a gateway can do in the wrong order. Random numbers are counted here, keys are OpenSSL's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include <memory>

#include "base/cbor.hpp"
#include "childkit/headgate_child.h"
#include "plugins/kit_device.hpp"
#include "plugins/page_examples.hpp"

namespace hg::test {
namespace {

Bytes identify_body() {
  return page_example("identify request");
}

/// The proof of a gateway with this key for the last challenge of the page.
Bytes prove_body(const Bytes& key_id, const Bytes& tag) {
  Bytes body;
  cbor::Writer(body).map(2).text("kid").bytes(key_id).text("mac").bytes(tag);
  return body;
}

// --------------------------------------------------------------------------------------------- the page's examples

TEST(ChildKit, AnswersAsThePageSays) {
  Device it;
  EXPECT_EQ(to_hex(ask(it, HG_CHILD_IDENTIFY, identify_body()).body), to_hex(page_example("identify answer")));
  EXPECT_FALSE(hg_child_is_proven(&it.child));
  EXPECT_EQ(ask(it, HG_CHILD_PROVE, page_example("prove request")).body, page_example("prove answer"));
  EXPECT_TRUE(hg_child_is_proven(&it.child));
  EXPECT_EQ(to_hex(ask(it, HG_CHILD_STATUS, page_example("status request")).body),
            to_hex(page_example("status answer")));
  EXPECT_EQ(ask(it, HG_CHILD_OFFER, page_example("offer request")).body, page_example("offer answer yes"));
  it.decision = {HG_CHILD_LATER, 3600000, "brewing"};
  EXPECT_EQ(ask(it, HG_CHILD_OFFER, page_example("offer request")).body, page_example("offer answer later"));
  EXPECT_EQ(ask(it, HG_CHILD_NOTICE, page_example("notice request")).body, page_example("notice answer"));
  it.wait_ms = 60000;
  EXPECT_EQ(ask(it, HG_CHILD_NOTICE, page_example("notice request")).body, page_example("notice answer not now"));
  EXPECT_EQ(ask(it, HG_CHILD_CONFIRM_ALL, page_example("confirm_all request")).body,
            page_example("confirm_all answer"));
  EXPECT_THAT(it.confirmed, testing::ElementsAre(0, 1));
}

TEST(ChildKit, TellsWhatItWasAsked) {
  Device it;
  ask(it, HG_CHILD_OFFER, page_example("offer request"));
  ASSERT_EQ(it.offers.size(), 1U);
  EXPECT_EQ(it.offered_version, "1.5.0");
  EXPECT_EQ(it.offers[0].image, 0);
  EXPECT_EQ(it.offers[0].size, 212992U);
  EXPECT_EQ(it.offers[0].urgency, HG_CHILD_MAJOR);
  ask(it, HG_CHILD_NOTICE, page_example("notice request"));
  ASSERT_EQ(it.notices.size(), 1U);
  EXPECT_EQ(it.notices[0].what, HG_CHILD_WILL_RESET);
  EXPECT_EQ(it.notices[0].in_ms, 5000U);
  EXPECT_EQ(it.notices[0].for_ms, 20000U);
}

TEST(ChildKit, WithoutAKeyItOnlyClaims) {
  Device it;
  it.without_key();
  EXPECT_EQ(to_hex(ask(it, HG_CHILD_IDENTIFY, identify_body()).body),
            to_hex(page_example("identify answer without key")));
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), HG_CHILD_NO_KEY);
}

TEST(ChildKit, ErrorsHaveBothForms) {
  Device it;
  it.images[1].hash[0] ^= 1U;
  const Outcome refused = ask(it, HG_CHILD_CONFIRM_ALL, page_example("confirm_all request"));
  EXPECT_EQ(refused.body, page_example("refusal v2"));
  Bytes v1(40);
  v1.resize(hg_child_error_body(&refused.answer, 0, v1.data(), v1.size()));
  EXPECT_EQ(v1, page_example("refusal v1"));
  for (std::size_t room = 0; room < refused.body.size(); ++room) {
    Bytes small(room);
    EXPECT_EQ(hg_child_error_body(&refused.answer, 1, small.data(), room), 0U) << room;
  }
}

// ---------------------------------------------------------------------------------------- identification, put wrong

TEST(ChildKit, AWrongProofIsRefusedAndEndsTheChallenge) {
  Device it;
  ask(it, HG_CHILD_IDENTIFY, identify_body());
  Bytes wrong = page_example("prove request");
  wrong.back() ^= 1U;
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, wrong), HG_CHILD_WRONG_PROOF);
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), HG_CHILD_NO_CHALLENGE);
  EXPECT_FALSE(hg_child_is_proven(&it.child));
}

TEST(ChildKit, EachBitOfAProofCounts) {
  const Bytes right = page_example("prove request");
  for (std::size_t bit = 0; bit < 32U * 8; ++bit) {
    Device it;
    ask(it, HG_CHILD_IDENTIFY, identify_body());
    Bytes wrong = right;
    wrong[right.size() - 1 - bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    ASSERT_EQ(error_of(it, HG_CHILD_PROVE, wrong), HG_CHILD_WRONG_PROOF) << bit;
  }
}

TEST(ChildKit, ItsOwnMacReflectedIsNoProof) {
  Device it;
  const Bytes own = ask(it, HG_CHILD_IDENTIFY, identify_body()).body;
  const Bytes mac(own.end() - 32, own.end());
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, prove_body(it.key_id, mac)), HG_CHILD_WRONG_PROOF);
}

TEST(ChildKit, AProofOfBeforeIsWorthNothing) {
  Device it;
  ask(it, HG_CHILD_IDENTIFY, identify_body());
  ASSERT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), 0U);
  ask(it, HG_CHILD_IDENTIFY, identify_body());  // the same nonce of the gateway, a new one of the child
  EXPECT_FALSE(hg_child_is_proven(&it.child));
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), HG_CHILD_WRONG_PROOF);
}

TEST(ChildKit, OfTwoIdentifiesTheLastCounts) {
  Device it;
  ask(it, HG_CHILD_IDENTIFY, identify_body());
  Bytes other = identify_body();
  other.back() ^= 1U;
  ask(it, HG_CHILD_IDENTIFY, other);
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), HG_CHILD_WRONG_PROOF);

  it.next_random = 0x20;
  ask(it, HG_CHILD_IDENTIFY, other);
  it.next_random = 0x20;
  ask(it, HG_CHILD_IDENTIFY, identify_body());
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), 0U);
}

TEST(ChildKit, AProofWhoseAnswerWasLostMayComeAgain) {
  Device it;
  ask(it, HG_CHILD_IDENTIFY, identify_body());
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), 0U);
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), 0U);
  EXPECT_TRUE(hg_child_is_proven(&it.child));
}

TEST(ChildKit, ProveBeforeIdentifyIsRefused) {
  Device it;
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), HG_CHILD_NO_CHALLENGE);
}

TEST(ChildKit, AnotherKeyIdIsNamed) {
  Device it;
  ask(it, HG_CHILD_IDENTIFY, identify_body());
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, prove_body({'k', '2'}, Bytes(32))), HG_CHILD_OTHER_KEY);
}

TEST(ChildKit, AShorterMacIsNoMac) {
  for (const std::size_t size : {1U, 16U, 31U, 33U, 64U}) {
    Device it;
    ask(it, HG_CHILD_IDENTIFY, identify_body());
    Bytes tag = hmac(it.key, page_example("prove signed"));
    tag.resize(size);
    EXPECT_EQ(error_of(it, HG_CHILD_PROVE, prove_body(it.key_id, tag)), HG_CHILD_WRONG_PROOF) << size;
  }
}

TEST(ChildKit, WhenTheLinkIsLostTheGatewayProvesItselfAgain) {
  Device it;
  ask(it, HG_CHILD_IDENTIFY, identify_body());
  ask(it, HG_CHILD_PROVE, page_example("prove request"));
  hg_child_forget(&it.child);
  EXPECT_FALSE(hg_child_is_proven(&it.child));
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), HG_CHILD_NO_CHALLENGE);
  EXPECT_THAT(it.child.child_nonce, testing::Each(0));
  EXPECT_THAT(it.child.gateway_nonce, testing::Each(0));
}

TEST(ChildKit, WithoutRandomNumbersOrKeyItFailsAndChallengesNobody) {
  for (const bool breaks_random : {true, false}) {
    Device it;
    (breaks_random ? it.random_works : it.key_works) = false;
    EXPECT_EQ(error_of(it, HG_CHILD_IDENTIFY, identify_body()), HG_CHILD_FAILED);
    it.random_works = it.key_works = true;
    EXPECT_EQ(error_of(it, HG_CHILD_PROVE, page_example("prove request")), HG_CHILD_NO_CHALLENGE);
    EXPECT_THAT(it.child.child_nonce, testing::Each(0));
  }
}

TEST(ChildKit, AChildThatRequiresAProofDoesNothingBefore) {
  Device it;
  it.platform.requires_proof = true;
  const std::vector<std::pair<std::uint8_t, std::string>> closed = {{HG_CHILD_OFFER, "offer request"},
                                                                    {HG_CHILD_NOTICE, "notice request"},
                                                                    {HG_CHILD_CONFIRM_ALL, "confirm_all request"}};
  const auto tells_to_prove = [&] {
    const Bytes body = ask(it, HG_CHILD_STATUS, {}).body;
    const std::string text(body.begin(), body.end());
    return static_cast<std::uint8_t>(text[text.find("prove") + 5]) == 0xF5;
  };
  EXPECT_TRUE(tells_to_prove());
  for (const auto& [command, name] : closed) EXPECT_EQ(error_of(it, command, page_example(name)), HG_CHILD_UNPROVEN);
  EXPECT_TRUE(it.offers.empty() && it.notices.empty() && it.confirmed.empty());
  ask(it, HG_CHILD_IDENTIFY, identify_body());
  ask(it, HG_CHILD_PROVE, page_example("prove request"));
  EXPECT_FALSE(tells_to_prove());
  for (const auto& [command, name] : closed) EXPECT_EQ(error_of(it, command, page_example(name)), 0U) << name;
}

// ----------------------------------------------------------------------------------------------------- signatures

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key make_key(int algorithm) {
  EVP_PKEY* key = algorithm == HG_CHILD_EDDSA ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                              : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  return {key, EVP_PKEY_free};
}

/// Ed25519 as it is; ECDSA as DER.
Bytes sign_with(EVP_PKEY* key, ByteView message) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const bool is_ed = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519;
  EVP_DigestSignInit(context.get(), nullptr, is_ed ? nullptr : EVP_sha256(), nullptr, key);
  std::size_t size = 80;
  Bytes signature(size);
  EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size());
  signature.resize(size);
  return signature;
}

bool verify_with(EVP_PKEY* key, ByteView message, const Bytes& signature) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const bool is_ed = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519;
  EVP_DigestVerifyInit(context.get(), nullptr, is_ed ? nullptr : EVP_sha256(), nullptr, key);
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

/// r and s of 32 bytes each, from DER and back.
Bytes plain_of(const Bytes& der) {
  const std::uint8_t* at = der.data();
  ECDSA_SIG* both = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  Bytes plain(64);
  BN_bn2binpad(ECDSA_SIG_get0_r(both), plain.data(), 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(both), plain.data() + 32, 32);
  ECDSA_SIG_free(both);
  return plain;
}

Bytes der_of(ByteView plain) {
  ECDSA_SIG* both = ECDSA_SIG_new();
  ECDSA_SIG_set0(both, BN_bin2bn(plain.data(), 32, nullptr), BN_bin2bn(plain.data() + 32, 32, nullptr));
  Bytes der(static_cast<std::size_t>(i2d_ECDSA_SIG(both, nullptr)));
  std::uint8_t* at = der.data();
  i2d_ECDSA_SIG(both, &at);
  ECDSA_SIG_free(both);
  return der;
}

Bytes raw_signature(EVP_PKEY* key, ByteView message) {
  const Bytes signature = sign_with(key, message);
  return EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ? signature : plain_of(signature);
}

bool raw_holds(EVP_PKEY* key, ByteView message, ByteView tag) {
  const bool is_ed = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519;
  return verify_with(key, message, is_ed ? Bytes(tag.begin(), tag.end()) : der_of(tag));
}

/// A device with a key pair of its own that knows the gateway's public key under "gw".
struct SigningDevice : Device {
  Key own;
  Key gateways;

  explicit SigningDevice(int algorithm) : own(make_key(algorithm)), gateways(make_key(algorithm)) {
    platform.algorithm = algorithm;
    platform.sign = [](void* user, const std::uint8_t* message, std::size_t size, std::uint8_t* tag) {
      const Bytes signature = raw_signature(it(user).own.get(), {message, size});
      std::ranges::copy(signature, tag);
      return true;
    };
    platform.verify = [](void* user, const std::uint8_t* kid, std::size_t kid_size, const std::uint8_t* message,
                         std::size_t size, const std::uint8_t* tag, std::size_t tag_size) {
      if (Bytes(kid, kid + kid_size) != Bytes{'g', 'w'}) return HG_CHILD_KEY_UNKNOWN;
      const bool holds = raw_holds(it(user).gateways.get(), {message, size}, {tag, tag_size});
      return holds ? HG_CHILD_HOLDS : HG_CHILD_DOES_NOT_HOLD;
    };
  }
  /// `user` is the Device.
  static SigningDevice& it(void* user) { return static_cast<SigningDevice&>(device(user)); }
};

Bytes gateway_message(const Bytes& key_id, const Bytes& gateway_nonce, const Bytes& child_nonce) {
  Bytes message;
  cbor::Writer(message)
      .array(5)
      .text("headgate gateway 1")
      .bytes(key_id)
      .bytes(gateway_nonce)
      .bytes(child_nonce)
      .text("boiler-7");
  return message;
}

class SignedKit : public testing::TestWithParam<int> {};

TEST_P(SignedKit, SignsWhatItSaysAndVerifiesTheGateway) {
  SigningDevice it(GetParam());
  const Bytes answer = ask(it, HG_CHILD_IDENTIFY, identify_body()).body;
  cbor::Reader reader(answer);
  ASSERT_EQ(*reader.enter_map(), 2U);
  ASSERT_EQ(*reader.read_text(), "says");
  const ByteView says = *reader.read_bytes();
  ASSERT_EQ(*reader.read_text(), "mac");
  const ByteView mac = *reader.read_bytes();
  ASSERT_EQ(mac.size(), 64U);
  Bytes message;
  cbor::Writer(message).array(3).text("headgate child 1").bytes(count_from(0x10, 16)).bytes(says);
  EXPECT_TRUE(raw_holds(it.own.get(), message, mac));
  message[20] ^= 1U;
  EXPECT_FALSE(raw_holds(it.own.get(), message, mac));

  const Bytes key_id = {'g', 'w'};
  const Bytes signed_by = gateway_message(key_id, count_from(0x10, 16), count_from(0x20, 16));
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, prove_body(key_id, raw_signature(it.gateways.get(), signed_by))), 0U);
  EXPECT_TRUE(hg_child_is_proven(&it.child));
}

TEST_P(SignedKit, RefusesOtherKeysAndOtherNames) {
  SigningDevice it(GetParam());
  const auto challenge = [&] {
    it.next_random = 0x20;
    ask(it, HG_CHILD_IDENTIFY, identify_body());
  };
  const Bytes key_id = {'g', 'w'};
  const Bytes right = gateway_message(key_id, count_from(0x10, 16), count_from(0x20, 16));
  challenge();
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, prove_body(key_id, raw_signature(it.own.get(), right))), HG_CHILD_WRONG_PROOF);
  challenge();
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, prove_body({'x'}, raw_signature(it.gateways.get(), right))),
            HG_CHILD_OTHER_KEY);
  challenge();  // a proof that was made for another child: unknown key share
  Bytes for_another = right;
  for_another.back() = '8';
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, prove_body(key_id, raw_signature(it.gateways.get(), for_another))),
            HG_CHILD_WRONG_PROOF);
  challenge();
  EXPECT_EQ(error_of(it, HG_CHILD_PROVE, prove_body(key_id, Bytes(32))), HG_CHILD_WRONG_PROOF);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, SignedKit, testing::Values(HG_CHILD_ES256, HG_CHILD_EDDSA),
                         [](const auto& it) { return it.param == HG_CHILD_ES256 ? "ES256" : "EdDSA"; });

// -------------------------------------------------------------------------------------------------------- requests

const std::vector<std::pair<std::uint8_t, std::string>> kRequests = {{HG_CHILD_IDENTIFY, "identify request"},
                                                                     {HG_CHILD_PROVE, "prove request"},
                                                                     {HG_CHILD_OFFER, "offer request"},
                                                                     {HG_CHILD_NOTICE, "notice request"},
                                                                     {HG_CHILD_CONFIRM_ALL, "confirm_all request"}};

TEST(ChildKit, BodiesCutAtEachLengthAreRefusedAndDoNothing) {
  for (const auto& [command, name] : kRequests) {
    const Bytes whole = page_example(name);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Device it;
      EXPECT_EQ(error_of(it, command, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
                HG_CHILD_INVALID)
          << name << " cut to " << size;
      EXPECT_TRUE(it.offers.empty() && it.notices.empty() && it.confirmed.empty() && !it.child.is_challenged);
    }
  }
}

TEST(ChildKit, AnswersThatDoNotFitAreRefusedAtEachSize) {
  const std::vector<std::pair<std::uint8_t, Bytes>> requests = {
      {HG_CHILD_IDENTIFY, page_example("identify request")},
      {HG_CHILD_STATUS, {}},
      {HG_CHILD_OFFER, page_example("offer request")},
      {HG_CHILD_NOTICE, page_example("notice request")},
      {HG_CHILD_CONFIRM_ALL, page_example("confirm_all request")}};
  for (const auto& [command, body] : requests) {
    std::size_t least = 0;
    for (std::size_t room = 0; room < kRoom; ++room) {
      Device it;
      it.decision = {HG_CHILD_LATER, UINT32_MAX, "a text that is as long as a text may be, which is 64 bytes, so"};
      it.wait_ms = 1;
      const Outcome outcome = ask(it, command, body, room);
      if (outcome.answer.rc == 0) {
        least = room;
        break;
      }
      ASSERT_EQ(outcome.answer.rc, 7) << room;
      EXPECT_EQ(outcome.answer.error, 0);
      EXPECT_TRUE(it.offers.empty() && it.notices.empty() && it.confirmed.empty() && !it.child.is_challenged);
    }
    EXPECT_LE(least, command == HG_CHILD_IDENTIFY ? 243U : HG_CHILD_MIN_ANSWER);
  }
}

TEST(ChildKit, AStatusNamesTheUnitOfADeviceThatHasOne) {
  Device it;
  it.platform.unit = "HTR-0042";
  EXPECT_EQ(to_hex(ask(it, HG_CHILD_STATUS, page_example("status request")).body),
            to_hex(page_example("status answer with unit")));
}

TEST(ChildKit, TheLongestStatusAndOfferFit) {
  Device it;
  const std::string id(HG_CHILD_MAX_ID, 'i');
  it.platform.id = id.c_str();
  it.platform.boots = [](void*) -> std::uint32_t { return UINT32_MAX; };
  it.status = {100, HG_CHILD_BATTERY, true, UINT32_MAX, HG_CHILD_RESET_WAKE, 4};
  EXPECT_EQ(ask(it, HG_CHILD_STATUS, {}, HG_CHILD_MIN_ANSWER).answer.length, 134U + 7U);  // as the page says
  const std::string unit(HG_CHILD_MAX_UNIT, 'u');
  it.platform.unit = unit.c_str();
  EXPECT_EQ(ask(it, HG_CHILD_STATUS, {}).answer.length, 134U + 7U + 7U + HG_CHILD_MAX_UNIT);
  EXPECT_EQ(ask(it, HG_CHILD_STATUS, {}, HG_CHILD_MIN_ANSWER).answer.rc, 7) << "it needs more room with a unit";
  it.platform.unit = nullptr;
  const std::string text(HG_CHILD_MAX_TEXT, 't');
  it.decision = {HG_CHILD_LATER, UINT32_MAX, text.c_str()};
  EXPECT_EQ(ask(it, HG_CHILD_OFFER, page_example("offer request"), HG_CHILD_MIN_ANSWER).answer.length, 88U);
  const std::string too_long(HG_CHILD_MAX_TEXT + 1, 't');
  it.decision = {HG_CHILD_NO, 0, too_long.c_str()};
  EXPECT_EQ(ask(it, HG_CHILD_OFFER, page_example("offer request")).body, hex("a166616e7377657201"));
}

TEST(ChildKit, UnknownKeysIndefiniteLengthsAndTrailingBytesAreAccepted) {
  Device it;
  // {_ "new": [1, {"x": 1.5}], 7: null, "v": 1, "nonce": 16 bytes}, then another packet's bytes
  Bytes body = hex("bf636e65778201a16178f93e0007f6617601656e6f6e636550");
  for (const std::uint8_t byte : count_from(0x10, 16)) body.push_back(byte);
  body.push_back(0xFF);
  body.push_back(0x0A);
  EXPECT_EQ(ask(it, HG_CHILD_IDENTIFY, body).body, page_example("identify answer"));
}

TEST(ChildKit, BodiesThatAreWrongAreRefused) {
  const Bytes nonce = count_from(0, 16);
  const auto with = [](const auto& write) {
    Bytes body;
    cbor::Writer writer(body);
    write(writer);
    return body;
  };
  const std::vector<std::pair<std::uint8_t, Bytes>> rows = {
      {HG_CHILD_IDENTIFY, hex("80")},
      {HG_CHILD_IDENTIFY, {}},
      {HG_CHILD_IDENTIFY, with([&](auto& w) { w.map(1).text("nonce").bytes(count_from(0, 15)); })},
      {HG_CHILD_IDENTIFY, with([&](auto& w) { w.map(1).text("nonce").bytes(count_from(0, 33)); })},
      {HG_CHILD_IDENTIFY, with([&](auto& w) { w.map(1).text("nonce").text("0123456789abcdef"); })},
      {HG_CHILD_IDENTIFY, with([&](auto& w) { w.map(2).text("nonce").bytes(nonce).text("nonce").bytes(nonce); })},
      {HG_CHILD_IDENTIFY, with([&](auto& w) { w.map(2).text("v").uint(0).text("nonce").bytes(nonce); })},
      {HG_CHILD_IDENTIFY, with([&](auto& w) { w.map(2).text("v").integer(-1).text("nonce").bytes(nonce); })},
      {HG_CHILD_IDENTIFY, hex("a1656e6f6e63655f5000000000000000000000000000000000ff")},  // in pieces
      {HG_CHILD_STATUS, hex("01")},
      {HG_CHILD_STATUS, hex("a161")},
      {HG_CHILD_STATUS, hex("a101")},
      {HG_CHILD_STATUS, hex("bb00000000ffffffff")},
      {HG_CHILD_STATUS, hex("a16178818181818181818100")},  // too deep
      {HG_CHILD_STATUS, hex("a161781c")},
      {HG_CHILD_STATUS, hex("a16178ff")},
      {HG_CHILD_STATUS, hex("a161783f")},
      {HG_CHILD_STATUS, hex("bf6178")},
      {HG_CHILD_OFFER, with([](auto& w) { w.map(2).text("version").text(std::string(65, 'v')).text("size").uint(1); })},
      {HG_CHILD_OFFER, with([](auto& w) { w.map(1).text("size").uint(1); })},
      {HG_CHILD_OFFER,
       with([](auto& w) { w.map(3).text("image").uint(256).text("version").text("").text("size").uint(1); })},
      {HG_CHILD_OFFER,
       with([](auto& w) { w.map(3).text("urgency").uint(3).text("version").text("").text("size").uint(1); })},
      {HG_CHILD_NOTICE, with([](auto& w) { w.map(1).text("what").uint(2); })},
      {HG_CHILD_NOTICE, with([](auto& w) { w.map(2).text("what").uint(0).text("in").uint(1ULL << 32U); })},
      {HG_CHILD_CONFIRM_ALL, with([](auto& w) { w.map(1).text("hashes").uint(1); })},
      {HG_CHILD_CONFIRM_ALL, with([](auto& w) { w.map(1).text("hashes").array(1).uint(1); })},
      {HG_CHILD_CONFIRM_ALL, with([](auto& w) { w.map(1).text("hashes").array(1).map(1).text("image").uint(0); })},
      {HG_CHILD_CONFIRM_ALL,
       with([](auto& w) { w.map(1).text("hashes").array(1).map(1).text("hash").bytes(Bytes(65)); })},
  };
  for (const auto& [command, body] : rows) {
    Device it;
    EXPECT_EQ(error_of(it, command, body), HG_CHILD_INVALID) << int{command} << " " << to_hex(body);
    EXPECT_FALSE(it.child.is_challenged);
  }
}

TEST(ChildKit, ANewerVersionIsNamed) {
  Device it;
  Bytes body;
  cbor::Writer(body).map(2).text("v").uint(2).text("nonce").bytes(count_from(0, 16));
  EXPECT_EQ(error_of(it, HG_CHILD_IDENTIFY, body), HG_CHILD_TOO_NEW);
}

TEST(ChildKit, CommandsThatAreNotThereAreNotSupported) {
  Device it;
  it.platform.offer = nullptr;
  it.platform.notice = nullptr;
  it.platform.confirm = nullptr;
  it.without_key();
  for (const auto& [command, name] : kRequests) {
    const Outcome outcome = ask(it, command, page_example(name));
    if (command == HG_CHILD_IDENTIFY || command == HG_CHILD_PROVE) continue;
    EXPECT_EQ(outcome.answer.rc, 8);
    EXPECT_EQ(outcome.body, hex("a162726308"));
  }
  const Bytes status = ask(it, HG_CHILD_STATUS, {}).body;
  const std::string text(status.begin(), status.end());
  EXPECT_EQ(text[text.find("can") + 3], 0);
  std::uint8_t out[kRoom];
  for (unsigned command = 0; command < 256; ++command) {
    for (const std::uint8_t op : {std::uint8_t{HG_CHILD_READ}, std::uint8_t{HG_CHILD_WRITE}}) {
      const bool is_there = command == HG_CHILD_STATUS ? op == HG_CHILD_READ : op == HG_CHILD_WRITE && command < 2;
      const auto answer = hg_child_handle(&it.child, op, static_cast<std::uint8_t>(command), nullptr, 0, out, kRoom);
      EXPECT_EQ(answer.rc == 8 && answer.error == 0, !is_there) << command << " op " << int{op};
    }
  }
}

TEST(ChildKit, TheLevelOfTheLinkIsSaidIfItIsOne) {
  for (const auto& [level, says] : {std::pair{0, false}, {1, true}, {4, true}, {5, false}}) {
    Device it;
    it.status.link_level = static_cast<std::uint8_t>(level);
    const Bytes body = ask(it, HG_CHILD_STATUS, {}).body;
    const std::string text(body.begin(), body.end());
    const auto at = text.find("elevel");
    ASSERT_EQ(at != std::string::npos, says) << level;
    if (says) {
      EXPECT_EQ(text[at + 6], level);
    }
  }
  Device it;
  it.status.link_level = 4;
  EXPECT_EQ(ask(it, HG_CHILD_STATUS, {}).body, page_example("status answer over Bluetooth"));
}

TEST(ChildKit, ADeviceThatKnowsNothingSaysSo) {
  Device it;
  it.platform.status = nullptr;
  it.platform.boots = nullptr;
  const Bytes body = ask(it, HG_CHILD_STATUS, {}).body;
  const std::string text(body.begin(), body.end());
  for (const char* key : {"battery", "boots", "ms", "level"}) EXPECT_EQ(text.find(key), std::string::npos) << key;
}

// ----------------------------------------------------------------------------------------------------- confirm all

Bytes confirm_body(const std::vector<std::pair<unsigned, Bytes>>& images) {
  Bytes body;
  cbor::Writer writer(body);
  writer.map(1).text("hashes").array(images.size());
  for (const auto& [number, hash] : images) writer.map(2).text("image").uint(number).text("hash").bytes(hash);
  return body;
}

struct ConfirmRow {
  std::string name;
  Bytes body;
  unsigned error = 0;
  int image = -1;
};

TEST(ChildKit, ConfirmAllIsGuardedByWhatRuns) {
  const Bytes first = sha256("boiler 1.4.0");
  const Bytes second = sha256("radio 2.0.1");
  const Bytes other = sha256("something else");
  const std::vector<ConfirmRow> rows = {
      {"both", confirm_body({{0, first}, {1, second}})},
      {"in the other order", confirm_body({{1, second}, {0, first}})},
      {"one is missing", confirm_body({{0, first}}), HG_CHILD_MISMATCH, 1},
      {"none", confirm_body({}), HG_CHILD_MISMATCH, 0},
      {"another hash", confirm_body({{0, other}, {1, second}}), HG_CHILD_MISMATCH, 0},
      {"exchanged", confirm_body({{0, second}, {1, first}}), HG_CHILD_MISMATCH, 0},
      {"a part of the hash", confirm_body({{0, first}, {1, Bytes(second.begin(), second.begin() + 31)}}),
       HG_CHILD_MISMATCH, 1},
      {"one that does not run", confirm_body({{0, first}, {1, second}, {2, other}}), HG_CHILD_MISMATCH, 2},
      {"one twice", confirm_body({{0, first}, {0, first}, {1, second}}), HG_CHILD_INVALID, -1},
  };
  for (const auto& row : rows) {
    Device it;
    const Outcome outcome = ask(it, HG_CHILD_CONFIRM_ALL, row.body);
    EXPECT_EQ(outcome.answer.error, row.error) << row.name;
    EXPECT_EQ(outcome.answer.image, row.image) << row.name;
    if (row.error == 0) {
      EXPECT_THAT(it.confirmed, testing::ElementsAre(0, 1)) << row.name;
    } else {
      EXPECT_TRUE(it.confirmed.empty()) << row.name;
    }
  }
}

TEST(ChildKit, AllAreAskedBeforeOneIsConfirmed) {
  Device it;
  it.unwilling = 1;
  const Outcome outcome = ask(it, HG_CHILD_CONFIRM_ALL, page_example("confirm_all request"));
  EXPECT_EQ(outcome.answer.error, HG_CHILD_NOT_CONFIRMED);
  EXPECT_EQ(outcome.answer.image, 1);
  EXPECT_TRUE(it.confirmed.empty());
}

TEST(ChildKit, AConfirmationThatCannotBeWrittenIsNamedAndMayBeRepeated) {
  Device it;
  it.broken = 1;
  const Outcome outcome = ask(it, HG_CHILD_CONFIRM_ALL, page_example("confirm_all request"));
  EXPECT_EQ(outcome.answer.error, HG_CHILD_FAILED);
  EXPECT_EQ(outcome.answer.image, 1);
  it.broken = -1;
  EXPECT_EQ(error_of(it, HG_CHILD_CONFIRM_ALL, page_example("confirm_all request")), 0U);
}

TEST(ChildKit, NoMoreImagesThanItsLimitAreRead) {
  Device it;
  for (std::uint8_t number = 2; number < 20; ++number) it.add_image(number, "1", {number});
  const Bytes body = ask(it, HG_CHILD_IDENTIFY, identify_body(), 2048).body;
  const std::string text(body.begin(), body.end());
  const std::size_t at = text.find("images");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(static_cast<std::uint8_t>(text[at + 6]), 0x88);
}

}  // namespace
}  // namespace hg::test
