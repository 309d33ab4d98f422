// SPDX-License-Identifier: Apache-2.0
// COSE messages as bytes: which are read and into what, which are refused and why, what is covered and what is written.
// Whether anything is signed or encrypted well is for tests/adapters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cose/algorithms.hpp"
#include "cose/encrypted.hpp"
#include "cose/mac.hpp"
#include "cose/signed.hpp"

namespace hg::cose {
namespace {

using testing::HasSubstr;

/// Of digits with blanks between items.
Bytes hex(std::string digits) {
  std::erase(digits, ' ');
  return from_hex(digits).value();
}

std::string times(std::size_t count, std::string_view digits) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += digits;
  return text;
}

struct Case {
  std::string what;
  std::string message;  ///< hexadecimal, blanks between items
  std::string why;      ///< a part of the refusal; empty: read
};

template <class Read>
void check(std::span<const Case> cases, const Read& read) {
  for (const Case& each : cases) {
    SCOPED_TRACE(each.what);
    const Bytes bytes = hex(each.message);
    cbor::Reader reader(bytes);
    const auto found = read(reader);
    const std::string why = found ? "" : found.error().message;
    if (each.why.empty()) {
      EXPECT_EQ(why, "");
      EXPECT_TRUE(reader.at_end());
    } else {
      EXPECT_THAT(why, HasSubstr(each.why));
    }
  }
}

/// Whatever is cut off or changed in a good message, reading it ends, and a cut one is refused.
template <class Read>
void check_damage(const std::string& message, const Read& read) {
  const Bytes good = hex(message);
  for (std::size_t size = 0; size < good.size(); ++size) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    cbor::Reader reader(cut);
    EXPECT_FALSE(read(reader)) << "cut to " << size;
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes changed = good;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1 << bit));
      cbor::Reader reader(changed);
      static_cast<void>(read(reader));
    }
  }
}

// ------------------------------------------------------------------------------------------------------ headers

const Case kHeaders[] = {
    {"as SUIT writes it", "d2 84 43a10126 a0 f6 41ff", ""},
    {"payload attached", "d2 84 43a10126 a0 43010203 41ff", ""},
    {"kid unprotected", "d2 84 43a10126 a1 04 4131 f6 41ff", ""},
    {"kid protected", "d2 84 46a2 0126 04 4131 a0 f6 41ff", ""},
    {"labels in any order", "d2 84 46a2 04 4131 0126 a0 f6 41ff", ""},
    {"unknown labels, of both kinds", "d2 84 43a10126 a2 1863 82 01 02 6161 f6 f6 41ff", ""},
    {"content type as a number", "d2 84 45a2 0126 0300 a0 f6 41ff", ""},
    {"content type as text, unprotected", "d2 84 43a10126 a1 03 6161 f6 41ff", ""},
    {"no algorithm at all", "d2 84 40 a0 f6 41ff", "no algorithm in the protected header"},
    {"no algorithm, h'a0'", "d2 84 41a0 a0 f6 41ff", "no algorithm in the protected header"},
    {"algorithm unprotected", "d2 84 40 a1 0126 f6 41ff", "no algorithm in the protected header"},
    {"algorithm in both", "d2 84 43a10126 a1 0126 f6 41ff", "map key 1, a header both protected and unprotected"},
    {"kid in both", "d2 84 46a2 0126 04 4131 a1 04 4132 f6 41ff", "map key 4, a header both protected"},
    {"an unknown label in both", "d2 84 46a2 0126 1863 00 a1 1863 00 f6 41ff", "map key 99, a header both protected"},
    {"a text label in both", "d2 84 46a2 0126 6161 00 a1 6161 00 f6 41ff", "map key \"a\", a header both protected"},
    {"a label twice", "d2 84 45a2 0126 0126 a0 f6 41ff", "map key 1 twice"},
    {"an unprotected label twice", "d2 84 43a10126 a2 04 4131 04 4131 f6 41ff", "map key 4 twice"},
    {"crit protected", "d2 84 46a2 0126 02 8104 a0 f6 41ff", "a \"crit\" header, none is understood"},
    {"crit unprotected", "d2 84 43a10126 a1 02 8104 f6 41ff", "a \"crit\" header, none is understood"},
    {"a label of bytes", "d2 84 43a10126 a1 4131 00 f6 41ff", "map key h'4131' in a COSE header"},
    {"algorithm as text", "d2 84 48a1 01 65 4553323536 a0 f6 41ff", "alg: "},
    {"kid as text", "d2 84 43a10126 a1 04 6131 f6 41ff", "kid: "},
    {"Partial IV", "d2 84 43a10126 a1 06 4131 f6 41ff", "a Partial IV is not accepted"},
    {"bytes after the protected map", "d2 84 44a10126 00 a0 f6 41ff", "protected header: offset 6: 1 bytes after"},
    {"protected header that is no map", "d2 84 4100 a0 f6 41ff", "protected header: "},
    {"protected header that is not wrapped", "d2 84 a10126 a0 f6 41ff", "protected header: "},
    {"a map of indefinite length", "d2 84 44bf0126ff a0 f6 41ff", "protected header: "},
    {"33 labels", "d2 84 43a10126 b821" + times(33, "00 00") + " f6 41ff", "more than 32 keys"},
};

TEST(Headers, WhatMayStandInThem) {
  check(kHeaders, read_signed);
}

// ------------------------------------------------------------------------------------------- Sign1, Sign, Mac0

const std::string kOne = "83 43a10126 a1 04 4131 42aabb";

const Case kSigned[] = {
    {"Sign", "d862 84 40 a0 41 55 81" + kOne, ""},
    {"Sign, detached", "d862 84 41a0 a0 f6 82" + kOne + kOne, ""},
    {"Sign with 16", "d862 84 40 a0 f6 90" + times(16, kOne), ""},
    {"Sign with 17", "d862 84 40 a0 f6 91" + times(17, kOne), "more than 16 signatures"},
    {"Sign with none", "d862 84 40 a0 f6 80", "no signature"},
    {"Sign with an algorithm in the body", "d862 84 43a10126 a0 f6 81" + kOne, "an algorithm in the body's header"},
    {"the same, unprotected", "d862 84 40 a1 0126 f6 81" + kOne, "an algorithm in the body's header"},
    {"a signature of two elements", "d862 84 40 a0 f6 81 82 43a10126 a0",
     "signature 1: offset 7: COSE_Signature has 3"},
    {"the second without algorithm", "d862 84 40 a0 f6 82" + kOne + "83 40 a0 41ff",
     "signature 2: offset 20: no algorithm in the protected header"},
    {"Sign1 of three elements", "d2 83 43a10126 a0 f6", "COSE_Sign1 has 4 elements, not 3"},
    {"Sign1 that is a map", "d2 a0", "COSE_Sign1: "},
    {"a payload of text", "d2 84 43a10126 a0 6161 41ff", "payload: "},
    {"a signature of text", "d2 84 43a10126 a0 f6 6161", "signature: "},
    {"no tag", "84 43a10126 a0 f6 41ff", "no tagged COSE message"},
    {"Mac0", "d1 84 43a10105 a0 f6 41ff", "COSE_Mac0 is not accepted, only COSE_Sign1 (tag 18) and COSE_Sign (tag 98)"},
    {"Mac", "d861 85", "COSE_Mac is not accepted"},
    {"Encrypt0", "d0 83", "COSE_Encrypt0 is not accepted"},
    {"Encrypt", "d860 84", "COSE_Encrypt is not accepted"},
    {"another tag", "d86b 84", "offset 0: tag 107 is not accepted"},
    {"two tags", "d2 d2 84 43a10126 a0 f6 41ff", "COSE_Sign1: "},
};

TEST(Signed, WhatIsReadAndRefused) {
  check(kSigned, read_signed);
}

TEST(Signed, DamageIsHarmless) {
  check_damage("d862 84 45a103 6161 a0 41 55 82" + kOne + kOne, read_signed);
  check_damage("d2 84 43a10126 a1 04 4131 41 55 42aabb", read_signed);
}

TEST(Signed, TheValuesOfSign1) {
  const Bytes bytes = hex("d2 84 49a3 0126 03 6161 04 4131 a1 1863 00 43010203 42aabb");
  cbor::Reader reader(bytes);
  const Signed message = read_signed(reader).value();
  EXPECT_EQ(to_hex(message.payload.value()), "010203");
  EXPECT_EQ(message.content_type.value(), "a");
  ASSERT_EQ(message.signatures.size(), 1U);
  const Signature& only = message.signatures[0];
  EXPECT_EQ(only.algorithm, -7);
  EXPECT_EQ(to_hex(only.key_id), "31");
  EXPECT_EQ(to_hex(only.body_protected),
            "a3012603616104"
            "4131");
  EXPECT_FALSE(only.sign_protected);
  EXPECT_EQ(to_hex(only.signature), "aabb");
  // ["Signature1", protected, h'', payload] (RFC 9052 §4.4)
  EXPECT_EQ(to_hex(to_be_signed(only, *message.payload)),
            to_hex(hex("84 6a 5369676e617475726531 49a3012603616104 4131 40 43010203")));
}

TEST(Signed, AnEmptyBodyHeaderIsCoveredAsEmptyBytes) {
  for (const std::string empty : {"40", "41a0"}) {
    const Bytes bytes = hex("d862 84" + empty + "a0 41 55 81" + kOne);
    cbor::Reader reader(bytes);
    const Signed message = read_signed(reader).value();
    const Signature& only = message.signatures[0];
    EXPECT_TRUE(only.body_protected.empty());
    EXPECT_EQ(to_hex(only.sign_protected.value()), "a10126");
    EXPECT_EQ(to_hex(to_be_signed(only, *message.payload)),
              to_hex(hex("85 69 5369676e6174757265 40 43a10126 40 41 55")));
  }
}

TEST(Signed, AnUnprotectedContentTypeIsNone) {
  const Bytes bytes = hex("d2 84 43a10126 a1 03 6161 f6 41ff");
  cbor::Reader reader(bytes);
  EXPECT_FALSE(read_signed(reader).value().content_type);
}

const Case kMac0[] = {
    {"as SUIT writes it", "d1 84 43a10105 a0 f6 41ff", ""},
    {"payload attached", "d1 84 43a10105 a1 04 4131 41 55 41ff", ""},
    {"algorithm unprotected", "d1 84 40 a1 0105 f6 41ff", "no algorithm in the protected header"},
    {"five elements", "d1 85 43a10105 a0 f6 41ff 80", "COSE_Mac0 has 4 elements, not 5"},
    {"a tag of text", "d1 84 43a10105 a0 f6 6161", "tag: "},
    {"Sign1", "d2 84 43a10126 a0 f6 41ff", "COSE_Sign1 is not accepted, only COSE_Mac0 (tag 17)"},
};

TEST(Mac0, WhatIsReadAndRefused) {
  check(kMac0, read_mac0);
  check_damage("d1 84 43a10105 a1 04 4131 41 55 41ff", read_mac0);
  const Bytes bytes = hex("d1 84 43a10105 a1 04 4131 41 55 41ff");
  cbor::Reader reader(bytes);
  const Mac0 message = read_mac0(reader).value();
  EXPECT_EQ(message.algorithm, 5);
  EXPECT_EQ(to_hex(message.key_id), "31");
  EXPECT_EQ(to_hex(to_be_maced(message, *message.payload)), to_hex(hex("84 64 4d414330 43a10105 40 41 55")));
}

// ----------------------------------------------------------------------------------------------------- writing

/// Signs with its name, and remembers over what.
class NamedSigner : public Signer {
 public:
  explicit NamedSigner(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::int64_t algorithm() const override { return -9; }
  [[nodiscard]] ByteView key_id() const override { return as_bytes(name_); }
  [[nodiscard]] Result<Bytes> sign(ByteView to_be_signed) const override {
    if (name_.empty()) return Error{Errc::unavailable, "the token is gone"};
    covered.assign(to_be_signed.begin(), to_be_signed.end());
    return Bytes(name_.begin(), name_.end());
  }

  mutable Bytes covered;

 private:
  std::string name_;
};

TEST(Writing, ASign1ForAnEnvelope) {
  const NamedSigner signer("k");
  const Bytes payload = hex("010203");
  const Bytes message = write_sign1_detached(payload, signer).value();
  EXPECT_EQ(to_hex(message), to_hex(hex("d2 84 43a10128 a1 04 416b f6 416b")));
  cbor::Reader reader(message);
  EXPECT_EQ(to_be_signed(read_signed(reader).value().signatures[0], payload), signer.covered);
}

TEST(Writing, ASignAndOneMoreSignature) {
  const NamedSigner one("1");
  const NamedSigner two("2");
  const NamedSigner three("3");
  const Signer* const signers[] = {&one, &two};
  const Bytes payload = hex("010203");
  const Bytes first = write_sign(payload, "a/b", signers).value();
  EXPECT_EQ(to_hex(first), to_hex(hex("d862 84 46a103 63612f62 a0 43010203 82"
                                      "83 43a10128 a1 04 4131 4131"
                                      "83 43a10128 a1 04 4132 4132")));
  const Bytes second = add_signature(first, three).value();
  cbor::Reader reader(second);
  const Signed message = read_signed(reader).value();
  EXPECT_EQ(message.content_type.value(), "a/b");
  ASSERT_EQ(message.signatures.size(), 3U);
  const NamedSigner* makers[] = {&one, &two, &three};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(to_be_signed(message.signatures[i], payload), makers[i]->covered);
  // What was there stays as it was, byte for byte.
  EXPECT_TRUE(std::ranges::equal(ByteView(second).subspan(16, 22), ByteView(first).subspan(16)));
}

TEST(Writing, AForeignMessageKeepsItsBytes) {
  const NamedSigner signer("k");
  // h'a0' for an empty header, an unprotected header, and members out of order.
  const Bytes foreign = hex("d862 84 41a0 a1 1863 00 41 55 81 83 46a2 04 4131 0126 a0 42aabb");
  const Bytes longer = add_signature(foreign, signer).value();
  EXPECT_EQ(to_hex(longer), to_hex(hex("d862 84 41a0 a1 1863 00 41 55 82 83 46a2 04 4131 0126 a0 42aabb"
                                       "83 43a10128 a1 04 416b 416b")));
  EXPECT_EQ(to_hex(signer.covered), to_hex(hex("85 69 5369676e6174757265 40 43a10128 40 41 55")));
}

TEST(Writing, WhatCannotBeSigned) {
  const NamedSigner good("k");
  const NamedSigner gone("");
  EXPECT_EQ(write_sign({}, "a", {}).error().message, "nobody signs");
  const std::vector<const Signer*> many(17, &good);
  EXPECT_EQ(write_sign({}, "a", many).error().message, "more than 16 signatures");
  const Signer* const lost[] = {&good, &gone};
  EXPECT_EQ(write_sign({}, "a", lost).error().code, Errc::unavailable);
  EXPECT_EQ(write_sign1_detached({}, gone).error().code, Errc::unavailable);

  const auto refusal = [&](const std::string& message) { return add_signature(hex(message), good).error().message; };
  EXPECT_THAT(refusal("d2 84 43a10126 a0 41 55 41ff"), HasSubstr("COSE_Sign1 is not accepted, only COSE_Sign"));
  EXPECT_EQ(refusal("d862 84 40 a0 f6 81" + kOne), "a detached payload");
  EXPECT_THAT(refusal("d862 84 40 a0 41 55 81" + kOne + "00"), HasSubstr("1 bytes after the end"));
  EXPECT_EQ(refusal("d862 84 40 a0 41 55 90" + times(16, kOne)), "it has 16 signatures already");
  EXPECT_EQ(refusal("d862 84 40 a0 41 55 81 83 43a10128 a1 04 416b 416b"), "this key signed it already");
  EXPECT_EQ(add_signature(hex("d862 84 40 a0 41 55 81" + kOne), gone).error().code, Errc::unavailable);
}

// -------------------------------------------------------------------------------------------------------- Encrypt

const std::string kGcm = "d860 84 43a10101 a1 05 4c" + times(12, "07") + " f6 ";
const std::string kCtr = "d860 84 40 a2 01 39fffd 05 50" + times(16, "07") + " f6 ";
const std::string kWrapped = "5818" + times(24, "cc");
const std::string kKw = "83 40 a2 01 22 04 4131" + kWrapped;
const std::string kPoint = "21 5820" + times(32, "aa") + "22 5820" + times(32, "bb");
const std::string kP256 = "a4 01 02 20 01" + kPoint;

/// An ECDH-ES recipient with this ephemeral key and these other headers.
std::string ecdh(const std::string& key, const std::string& others = "", int count = 1,
                 const std::string& header = "44a101381c") {
  return "83" + header + "a" + std::to_string(count) + "20" + key + others + kWrapped;
}

const Case kEncrypted[] = {
    {"AES-KW and GCM", kGcm + "81" + kKw, ""},
    {"AES-KW and CTR", kCtr + "81" + kKw, ""},
    {"h'a0' where nothing is protected", "d860 84 41a0 a2 01 39fffd 05 50" + times(16, "07") + " f6 81" + kKw, ""},
    {"ciphertext attached", "d860 84 43a10101 a1 05 4c" + times(12, "07") + " 41ff 81" + kKw, ""},
    {"ECDH-ES", kGcm + "81" + ecdh(kP256), ""},
    {"ECDH-ES with kid and salt", kGcm + "81" + ecdh(kP256, "04 4131 33 4155", 3), ""},
    {"X25519", kGcm + "81" + ecdh("a3 01 01 20 04 21 5820" + times(32, "aa")), ""},
    {"two kinds", kGcm + "82" + kKw + ecdh(kP256), ""},
    {"256 recipients", kGcm + "990100" + times(256, kKw), ""},
    {"257 recipients", kGcm + "990101" + times(257, kKw), "more than 256 recipients"},
    {"no recipient", kGcm + "80", "no recipient"},
    {"GCM unprotected", "d860 84 40 a2 01 01 05 4c" + times(12, "07") + " f6 81" + kKw,
     "no algorithm in the protected"},
    {"CTR protected", "d860 84 45a1 0139fffd a1 05 50" + times(16, "07") + " f6 81" + kKw,
     "A128CTR with a protected header, which it does not protect"},
    {"CTR with something else protected", "d860 84 43a10300 a2 01 39fffd 05 50" + times(16, "07") + " f6 81" + kKw,
     "A128CTR with a protected header"},
    {"no algorithm", "d860 84 40 a1 05 4c" + times(12, "07") + " f6 81" + kKw, "no algorithm"},
    {"CBC", "d860 84 40 a2 01 39fffa 05 50" + times(16, "07") + " f6 81" + kKw, "content algorithm -65531 is not"},
    {"CCM", "d860 84 43a1010a a1 05 4c" + times(12, "07") + " f6 81" + kKw, "content algorithm 10 is not accepted"},
    {"a signature's algorithm", "d860 84 43a10126 a0 f6 81" + kKw, "ES256 is no content algorithm"},
    {"no IV", "d860 84 43a10101 a0 f6 81" + kKw, "IV of 0 bytes, not the 12 of A128GCM"},
    {"a long IV", "d860 84 43a10101 a1 05 50" + times(16, "07") + " f6 81" + kKw, "IV of 16 bytes, not the 12"},
    {"a short IV of CTR", "d860 84 40 a2 01 39fffd 05 4c" + times(12, "07") + " f6 81" + kKw,
     "IV of 12 bytes, not the 16"},
    {"three elements", "d860 83 43a10101 a0 f6", "COSE_Encrypt has 4 elements"},
    {"KW protected", kGcm + "81 83 43a10122 a0" + kWrapped, "recipient 1: offset 25: A128KW with a protected header"},
    {"KW without algorithm", kGcm + "81 83 40 a0" + kWrapped, "recipient 1: offset 25: no algorithm"},
    {"a wrapped key that is too short", kGcm + "81 83 40 a1 01 22 41cc",
     "wrapped key of 1 bytes, not the 24 for A128GCM"},
    {"A128KW of a 32-byte key for A128GCM", kGcm + "81 83 40 a1 01 22 5828" + times(40, "cc"),
     "wrapped key of 40 bytes"},
    {"wrapped key nil", kGcm + "81 83 40 a1 01 22 f6", "wrapped key: "},
    {"direct", kGcm + "81 83 40 a1 01 25 40", "key wrap algorithm -6 is not accepted"},
    {"ECDH-SS", kGcm + "81 83 44a101381f a0" + kWrapped, "key wrap algorithm -32 is not accepted"},
    {"recipients of a recipient", kGcm + "81 84 40 a1 01 22" + kWrapped + "81" + kKw, "recipients of a recipient"},
    {"the second is bad", kGcm + "82" + kKw + "83 40 a0 40", "recipient 2: "},
    {"ECDH-ES unprotected", kGcm + "81 83 40 a2 01 381c 20" + kP256 + kWrapped, "no algorithm in the protected header"},
    {"ECDH-ES without a key", kGcm + "81 83 44a101381c a0" + kWrapped, "no ephemeral key"},
    {"PartyU nonce", kGcm + "81" + ecdh(kP256, "35 4155", 2), "names or nonces of parties"},
    {"PartyV other", kGcm + "81" + ecdh(kP256, "3819 4155", 2), "names or nonces of parties"},
    {"salt of text", kGcm + "81" + ecdh(kP256, "33 6155", 2), "salt: "},
    {"crit in a recipient", kGcm + "81" + ecdh(kP256, "02 8104", 2), "a \"crit\" header"},
    {"Ed25519 as ephemeral", kGcm + "81" + ecdh("a3 01 01 20 06 21 5820" + times(32, "aa")), "Ed25519 cannot agree"},
    {"Encrypt0", "d0 83 43a10101 a0 f6", "COSE_Encrypt0 is not accepted, only COSE_Encrypt (tag 96)"},
};

TEST(Encrypted, WhatIsReadAndRefused) {
  check(kEncrypted, read_encrypted);
}

TEST(Encrypted, DamageIsHarmless) {
  check_damage(kGcm + "82" + kKw + ecdh(kP256, "04 4131 33 4155", 3), read_encrypted);
  check_damage(kCtr + "81" + kKw, read_encrypted);
}

const Case kKeys[] = {
    {"P-256", kP256, ""},
    {"members in any order, others beside",
     "a6 22 5820" + times(32, "bb") + "21 5820" + times(32, "aa") + "20 01 02 4131 6161 00 01 02", ""},
    {"P-384", "a4 01 02 20 02 21 5830" + times(48, "aa") + "22 5830" + times(48, "bb"), ""},
    {"P-521", "a4 01 02 20 03 21 5842" + times(66, "aa") + "22 5842" + times(66, "bb"), ""},
    {"Ed25519", "a3 01 01 20 06 21 5820" + times(32, "aa"), ""},
    {"with alg", "a5 01 02 03 28 20 01" + kPoint, ""},
    {"compressed", "a4 01 02 20 01 21 5820" + times(32, "aa") + "22 f5", "a compressed point is not accepted"},
    {"x as boolean", "a3 01 02 20 01 21 f5", "a compressed point is not accepted"},
    {"private", "a5 01 02 20 01" + kPoint + "23 4101", "a private key where a public one must be"},
    {"symmetric", "a2 01 04 20 4155", "a symmetric key where a public one must be"},
    {"symmetric, the other way round", "a2 20 4155 01 04", "COSE_Key: "},
    {"key_ops", "a5 01 02 04 8102 20 01" + kPoint, "\"key_ops\", none is understood"},
    {"no type", "a3 20 01" + kPoint, "key type 0 with curve 1 is not accepted"},
    {"no curve", "a3 01 02" + kPoint, "key type 2 with curve 0 is not accepted"},
    {"an OKP type with an EC curve", "a4 01 01 20 01" + kPoint, "key type 1 with curve 1 is not accepted"},
    {"Ed448", "a3 01 01 20 07 21 5839" + times(57, "aa"), "key type 1 with curve 7 is not accepted"},
    {"secp256k1", "a4 01 02 20 08" + kPoint, "key type 2 with curve 8 is not accepted"},
    {"RSA", "a1 01 03", "key type 3 with curve 0 is not accepted"},
    {"no y", "a3 01 02 20 01 21 5820" + times(32, "aa"), "not the coordinates of a P-256 key"},
    {"y on Ed25519", "a4 01 01 20 06" + kPoint, "not the coordinates of a Ed25519 key"},
    {"short x", "a4 01 02 20 01 21 41aa 22 5820" + times(32, "bb"), "not the coordinates of a P-256 key"},
    {"coordinates of another curve", "a4 01 02 20 02" + kPoint, "not the coordinates of a P-384 key"},
    {"x twice", "a5 01 02 20 01 21 41aa" + kPoint, "map key -2 twice"},
    {"no map", "80", "COSE_Key: "},
    {"alg as text", "a5 01 02 03 6161 20 01" + kPoint, "COSE_Key: "},
};

TEST(CoseKey, WhatIsReadAndRefused) {
  check(kKeys, read_key);
  check_damage("a5 01 02 03 28 20 01" + kPoint, read_key);
}

TEST(CoseKey, IsWrittenAsItIsRead) {
  for (const std::string& text : {kP256, "a5 01 02 03 28 20 01" + kPoint, "a3 01 01 20 06 21 5820" + times(32, "aa")}) {
    const Bytes bytes = hex(text);
    cbor::Reader reader(bytes);
    EXPECT_EQ(to_hex(write_key(read_key(reader).value())), to_hex(bytes));
  }
}

TEST(Encrypted, IsWrittenAsItIsRead) {
  for (const std::string& text : {kGcm + "82" + kKw + ecdh(kP256, "", 1), kCtr + "81" + kKw}) {
    const Bytes bytes = hex(text);
    cbor::Reader reader(bytes);
    const Encrypted message = read_encrypted(reader).value();
    std::vector<Bytes> recipients;
    for (const Recipient& each : message.recipients) recipients.push_back(write_recipient(each));
    EXPECT_EQ(to_hex(write_encrypted(message.algorithm, message.iv, recipients)), to_hex(bytes));
  }
  // Members of a recipient's header ascend: kid, ephemeral key, salt.
  const Bytes bytes = hex(kGcm + "81" + ecdh(kP256, "04 4131 33 4155", 3));
  cbor::Reader reader(bytes);
  const Encrypted message = read_encrypted(reader).value();
  EXPECT_EQ(to_hex(write_recipient(message.recipients[0])),
            to_hex(hex("83 44a101381c a3 04 4131 20" + kP256 + "33 4155" + kWrapped)));
}

TEST(Encrypted, WhatIsCoveredAndDerivedFrom) {
  const Bytes gcm = hex(kGcm + "81" + ecdh(kP256));
  cbor::Reader reader(gcm);
  const Encrypted message = read_encrypted(reader).value();
  EXPECT_EQ(to_hex(additional_data(message)), "8367456e637279707443a1010140");
  EXPECT_EQ(to_hex(kdf_context(message.recipients[0])),
            "842283f6f6f683f6f6f683188044a101381c5753554954205061796c6f616420456e6372797074696f6e");
  EXPECT_EQ(to_hex(kdf_context(message.recipients[0], {})), "842283f6f6f683f6f6f682188044a101381c");
  EXPECT_EQ(to_hex(kdf_context({-31, {}, message.recipients[0].protected_header, {}, {}, {}}, {})),
            "842483f6f6f683f6f6f68219010044a101381c");
  EXPECT_EQ(to_hex(recipient_header(-29)), "a101381c");
  EXPECT_TRUE(recipient_header(-3).empty());
  EXPECT_TRUE(kdf_context({-3, {}, {}, {}, {}, {}}).empty());
}

// ---------------------------------------------------------------------------------------------------- algorithms

TEST(Algorithms, EachIsForOnePurpose) {
  const Purpose purposes[] = {Purpose::signature, Purpose::mac, Purpose::content, Purpose::key_wrap,
                              Purpose::key_agreement};
  const std::vector<std::int64_t> numbers[] = {
      {-7, -9, -35, -51, -8, -19}, {5, 6, 7}, {1, 2, 3, 24, -65534, -65533, -65532}, {-3, -4, -5}, {-29, -30, -31}};
  for (std::size_t has = 0; has < std::size(purposes); ++has) {
    for (const std::int64_t number : numbers[has]) {
      for (std::size_t asked = 0; asked < std::size(purposes); ++asked) {
        const auto found = find_algorithm(number, purposes[asked]);
        EXPECT_EQ(found.has_value(), has == asked) << number;
        if (has == asked) continue;
        EXPECT_EQ(found.error().code, Errc::unsupported);
        EXPECT_THAT(found.error().message, HasSubstr(" is no " + std::string(name_of(purposes[asked])) + " algorithm"));
      }
    }
  }
}

TEST(Algorithms, AllOthersAreRefusedByNumber) {
  int known = 0;
  for (std::int64_t number = -66000; number < 1000; ++number) {
    const auto found = find_algorithm(number, Purpose::signature);
    const std::string why = found ? "" : found.error().message;
    known += why.starts_with("signature algorithm " + std::to_string(number) + " is not accepted") ? 0 : 1;
  }
  EXPECT_EQ(known, 22);
}

}  // namespace
}  // namespace hg::cose
