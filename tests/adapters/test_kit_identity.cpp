// SPDX-License-Identifier: Apache-2.0
// The gateway's half of the child kit's identification, against the bytes of docs/child-protocol.md, and every way in
// which an answer is not one. A strange child's answer must not be believed, and nothing of it be read before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/crypto/kit_identity.hpp"
#include "adapters/crypto/signatures.hpp"
#include "base/cbor.hpp"
#include "plugins/page_examples.hpp"

namespace hg::crypto {
namespace {

using test::page_example;
using testing::HasSubstr;

Bytes sequence(std::uint8_t first, std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

const Bytes kSecret = sequence(0x00, 32);
const Bytes kGatewayNonce = sequence(0x10, 16);
const Bytes kChildNonce = sequence(0x20, 16);

cose::Algorithm hmac() {
  return *cose::find_algorithm(5, cose::Purpose::mac);
}

bool is_of_page(ByteView message, ByteView tag) {
  return is_mac(hmac(), kSecret, message, tag);
}

Result<KitClaims> read(ByteView body, ByteView nonce = kGatewayNonce,
                       KitAlgorithm algorithm = KitAlgorithm::hmac_sha256, std::string_view key_id = "k1") {
  return read_evidence(body, nonce, algorithm, key_id, is_of_page);
}

// ------------------------------------------------------------------------------------------------------- the page

TEST(KitIdentity, ThePagesAnswerIsBelieved) {
  const auto claims = read(page_example("identify answer"));
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->identity, "boiler-7");
  EXPECT_EQ(claims->nonce, kChildNonce);
}

TEST(KitIdentity, WhatIsCheckedIsWhatThePageSigns) {
  Bytes checked;
  const auto keep = [&](ByteView message, ByteView) {
    checked.assign(message.begin(), message.end());
    return true;
  };
  ASSERT_TRUE(read_evidence(page_example("identify answer"), kGatewayNonce, KitAlgorithm::hmac_sha256, "k1", keep));
  EXPECT_EQ(checked, page_example("identify signed"));
}

TEST(KitIdentity, TheProofIsThatOfThePage) {
  const KitClaims claims{"boiler-7", kChildNonce};
  const Bytes message = proof_message(as_bytes("k1"), kGatewayNonce, claims);
  EXPECT_EQ(message, page_example("prove signed"));
  EXPECT_EQ(proof_body(as_bytes("k1"), mac(hmac(), kSecret, message).value()), page_example("prove request"));
}

// ------------------------------------------------------------------------------------------------- what is no answer

struct Refused {
  std::string name;
  Bytes nonce = kGatewayNonce;
  KitAlgorithm algorithm = KitAlgorithm::hmac_sha256;
  std::string key_id = "k1";
  std::string text;
};

TEST(KitIdentity, AnotherKeyNonceOrAlgorithmIsUnauthenticated) {
  const Refused rows[] = {
      {"an answer of before", sequence(0x11, 16), KitAlgorithm::hmac_sha256, "k1", "over this nonce"},
      {"another kid", kGatewayNonce, KitAlgorithm::hmac_sha256, "k2", "another key than \"k2\""},
      {"another algorithm", kGatewayNonce, KitAlgorithm::es256, "k1", "another algorithm"},
  };
  for (const Refused& row : rows) {
    SCOPED_TRACE(row.name);
    const auto claims = read(page_example("identify answer"), row.nonce, row.algorithm, row.key_id);
    ASSERT_FALSE(claims);
    EXPECT_EQ(claims.error().code, Errc::unauthenticated);
    EXPECT_THAT(claims.error().message, HasSubstr(row.text));
  }
}

TEST(KitIdentity, OneThatOnlyClaimsIsUnauthenticated) {
  const auto claims = read(page_example("identify answer without key"));
  ASSERT_FALSE(claims);
  EXPECT_EQ(claims.error().code, Errc::unauthenticated);
  EXPECT_THAT(claims.error().message, HasSubstr("only claims"));
}

TEST(KitIdentity, NoBitOfAnAnswerMayDiffer) {
  const Bytes answer = page_example("identify answer");
  for (std::size_t bit = 0; bit < answer.size() * 8; ++bit) {
    Bytes changed = answer;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_FALSE(read(changed)) << "bit " << bit;
  }
}

TEST(KitIdentity, AnAnswerThatIsCutOffIsRefusedAtEachByte) {
  const Bytes answer = page_example("identify answer");
  for (std::size_t size = 0; size < answer.size(); ++size) {
    EXPECT_FALSE(read(ByteView(answer).first(size))) << size;
  }
}

TEST(KitIdentity, TheEchoOfTheGatewaysProofIsNoAnswer) {
  EXPECT_FALSE(read(page_example("prove request")));
}

/// The answer of a child that has the key and says `says`.
Bytes proven(ByteView says) {
  Bytes message;
  cbor::Writer(message).array(3).text("headgate child 1").bytes(kGatewayNonce).bytes(says);
  Bytes body;
  cbor::Writer(body).map(2).text("says").bytes(says).text("mac").bytes(mac(hmac(), kSecret, message).value());
  return body;
}

struct Claim {
  std::string name;
  std::uint64_t version = 1;
  std::string id = "boiler-7";
  std::size_t images = 0;
  std::size_t nonce = 16;
  std::string kid = "k1";
  std::size_t unknown = 0;  ///< keys that nobody knows
  std::string text{};       ///< empty: it is believed

  [[nodiscard]] Bytes says() const {
    Bytes bytes;
    cbor::Writer writer(bytes);
    writer.map(6 + unknown).text("v").uint(version).text("id").text(id).text("images").array(images);
    for (std::size_t i = 0; i < images; ++i) writer.map(1).text("image").uint(i);
    writer.text("alg").integer(5).text("kid").bytes(as_bytes(kid)).text("nonce").bytes(Bytes(nonce, 7));
    for (std::size_t i = 0; i < unknown; ++i) writer.text("x" + std::to_string(i)).null();
    return bytes;
  }
};

TEST(KitIdentity, WhatItSaysIsBoundedEvenUnderTheRightKey) {
  const Claim rows[] = {
      {"nothing special"},
      {.name = "keys that were added later", .unknown = 5},
      {.name = "eight images", .images = 8},
      {.name = "the longest id", .id = std::string(64, 'x')},
      {.name = "the longest nonce", .nonce = 32},
      {.name = "version 2", .version = 2, .text = "\"v\""},
      {.name = "no id", .id = "", .text = "\"id\""},
      {.name = "an id that is too long", .id = std::string(65, 'x'), .text = "\"id\""},
      {.name = "nine images", .images = 9, .text = "\"images\""},
      {.name = "a short nonce", .nonce = 15, .text = "\"nonce\""},
      {.name = "a long nonce", .nonce = 33, .text = "\"nonce\""},
      {.name = "no kid", .kid = "", .text = "\"kid\""},
      {.name = "a kid that is too long", .kid = std::string(33, 'k'), .text = "\"kid\""},
  };
  for (const Claim& row : rows) {
    SCOPED_TRACE(row.name);
    const auto claims = read(proven(row.says()));
    EXPECT_EQ(claims.has_value(), row.text.empty());
    if (!claims) {
      EXPECT_THAT(claims.error().message, HasSubstr(row.text));
    }
  }
}

TEST(KitIdentity, OnlyStrictCborIsRead) {
  const std::pair<std::string, std::string> rows[] = {
      {"a key twice",
       "a26176016176"
       "01"},
      {"an indefinite map", "bf617601ff"},
      {"a head that is too long",
       "a16176"
       "1801"},
      {"bytes after it",
       "a1617601"
       "00"},
      {"no map", "01"},
  };
  for (const auto& [name, says] : rows) {
    SCOPED_TRACE(name);
    const auto claims = read(proven(from_hex(says).value()));
    ASSERT_FALSE(claims);
    EXPECT_EQ(claims.error().code == Errc::unauthenticated, false);
    EXPECT_THAT(claims.error().message, HasSubstr("\"says\""));
  }
}

TEST(KitIdentity, NothingIsReadBeforeTheMacHolds) {
  Bytes body;  // "says" is no CBOR at all: who reads it first would say so
  cbor::Writer(body).map(2).text("says").bytes(Bytes{0xff, 0xff}).text("mac").bytes(Bytes(32, 0));
  const auto claims = read(body);
  ASSERT_FALSE(claims);
  EXPECT_EQ(claims.error().code, Errc::unauthenticated);
}

TEST(KitIdentity, AnAnswerThatIsTooLongIsNotRead) {
  const auto claims = read(Bytes(kMostEvidence + 1, 0xa0));
  ASSERT_FALSE(claims);
  EXPECT_EQ(claims.error().code, Errc::too_large);
}

}  // namespace
}  // namespace hg::crypto
