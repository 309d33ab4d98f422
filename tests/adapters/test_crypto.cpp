// SPDX-License-Identifier: Apache-2.0
// Keys, MACs and SHA-2: which keys are taken, which signatures are good, with keys made in the test by OpenSSL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <fstream>

#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/keys.hpp"
#include "adapters/crypto/openssl.hpp"

namespace hg::crypto {
namespace {

using testing::HasSubstr;

const ByteView kMessage = as_bytes("to be signed");

Owned<EVP_PKEY> ec_key(const char* curve) {
  return Owned<EVP_PKEY>(EVP_EC_gen(curve));
}
Owned<EVP_PKEY> ed25519_key() {
  return Owned<EVP_PKEY>(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

std::string pem_of(EVP_PKEY* key, bool is_private = false) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (is_private) {
    PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  } else {
    PEM_write_bio_PUBKEY(bio.get(), key);
  }
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

/// As EVP gives it: DER for ECDSA.
Bytes sign_raw(EVP_PKEY* key, const EVP_MD* hash, ByteView message) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::size_t size = 256;
  Bytes signature(size);
  EXPECT_EQ(EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key), 1);
  EXPECT_EQ(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()), 1);
  signature.resize(size);
  return signature;
}

/// As COSE wants it: r || s.
Bytes sign_ecdsa(EVP_PKEY* key, const EVP_MD* hash, int half) {
  const Bytes der = sign_raw(key, hash, kMessage);
  const std::uint8_t* at = der.data();
  const Owned<ECDSA_SIG> pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  Bytes signature(static_cast<std::size_t>(2 * half));
  BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), signature.data(), half);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), signature.data() + half, half);
  return signature;
}

Digest fingerprint_of(EVP_PKEY* key) {
  Bytes der(256);
  std::uint8_t* at = der.data();
  der.resize(static_cast<std::size_t>(i2d_PUBKEY(key, &at)));
  return Sha256::of(der);
}

class Signatures : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(keys_.add("p256", pem_of(p256_.get())));
    ASSERT_TRUE(keys_.add("p384", pem_of(p384_.get())));
    ASSERT_TRUE(keys_.add("ed", pem_of(ed_.get())));
  }

  [[nodiscard]] std::string signer(std::int64_t algorithm, ByteView signature, ByteView key_id = {}) const {
    const auto found = keys_.verify(algorithm, key_id, kMessage, signature);
    return found ? *found : found.error().message;
  }

  const Owned<EVP_PKEY> p256_ = ec_key("P-256");
  const Owned<EVP_PKEY> p384_ = ec_key("P-384");
  const Owned<EVP_PKEY> ed_ = ed25519_key();
  const Bytes by_p256_ = sign_ecdsa(p256_.get(), EVP_sha256(), 32);
  const Bytes by_p384_ = sign_ecdsa(p384_.get(), EVP_sha384(), 48);
  const Bytes by_ed_ = sign_raw(ed_.get(), nullptr, kMessage);
  Keys keys_;
};

TEST_F(Signatures, EveryAlgorithmOfTheTable) {
  EXPECT_EQ(signer(-7, by_p256_), "p256");
  EXPECT_EQ(signer(-9, by_p256_), "p256");
  EXPECT_EQ(signer(-35, by_p384_), "p384");
  EXPECT_EQ(signer(-51, by_p384_), "p384");
  EXPECT_EQ(signer(-8, by_ed_), "ed");
  EXPECT_EQ(signer(-19, by_ed_), "ed");
}

TEST_F(Signatures, OthersAreRefusedByNumber) {
  for (const std::int64_t algorithm : {-36, -37, -257, -46, -47, 0}) {  // ES512, PS256, RS256, HSS-LMS, ES256K
    EXPECT_EQ(signer(algorithm, by_p256_), "signature algorithm " + std::to_string(algorithm) + " is not accepted");
  }
  EXPECT_EQ(signer(5, by_p256_), "HMAC 256/256 is no signature algorithm");
  EXPECT_EQ(signer(1, by_p256_), "A128GCM is no signature algorithm");
}

TEST_F(Signatures, TheCurveIsPinned) {
  // A P-384 key signing with SHA-256, cut to 64 bytes or not: ES256 is for P-256 alone.
  EXPECT_THAT(signer(-7, sign_ecdsa(p384_.get(), EVP_sha256(), 48)), HasSubstr("ES256 signature of 96 bytes, not 64"));
  EXPECT_THAT(signer(-35, sign_ecdsa(p256_.get(), EVP_sha384(), 48)), HasSubstr("no ES384 signature"));
}

TEST_F(Signatures, LengthsAreExact) {
  EXPECT_THAT(signer(-9, ByteView(by_p256_).first(63)), HasSubstr("signature of 63 bytes"));
  EXPECT_THAT(signer(-9, sign_raw(p256_.get(), EVP_sha256(), kMessage)), HasSubstr("bytes, not 64"));
  EXPECT_THAT(signer(-19, {}), HasSubstr("signature of 0 bytes"));
}

TEST_F(Signatures, AnyChangeIsNoticed) {
  for (const auto& [algorithm, good] : {std::pair{-9, by_p256_}, std::pair{-51, by_p384_}, std::pair{-19, by_ed_}}) {
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes bad = good;
      bad[i] ^= 0x80;
      EXPECT_THAT(signer(algorithm, bad), HasSubstr("any trusted key"));
    }
    EXPECT_FALSE(keys_.verify(algorithm, {}, as_bytes("to be Signed"), good));
    EXPECT_THAT(signer(algorithm, Bytes(good.size())), HasSubstr("any trusted key"));
    EXPECT_THAT(signer(algorithm, Bytes(good.size(), 0xff)), HasSubstr("any trusted key"));
  }
}

TEST_F(Signatures, AKidChoosesOneKeyByNameOrFingerprint) {
  const Owned<EVP_PKEY> second = ec_key("P-256");
  ASSERT_TRUE(keys_.add("second", pem_of(second.get())));
  const Bytes by_second = sign_ecdsa(second.get(), EVP_sha256(), 32);
  EXPECT_EQ(signer(-9, by_second), "second");
  EXPECT_EQ(signer(-9, by_second, as_bytes("second")), "second");
  EXPECT_EQ(signer(-9, by_second, fingerprint_of(second.get()).bytes()), "second");
  EXPECT_EQ(signer(-9, by_second, as_bytes("a name we do not know")), "second");
  EXPECT_THAT(signer(-9, by_second, as_bytes("p256")), HasSubstr("no ESP256 signature of key p256"));
  EXPECT_THAT(signer(-9, by_second, as_bytes("ed")), HasSubstr("no ESP256 signature of key ed"));
}

TEST_F(Signatures, WithoutKeysNothingIsTrusted) {
  EXPECT_EQ(Keys().verify(-9, {}, kMessage, by_p256_).error().code, Errc::unauthenticated);
}

// ------------------------------------------------------------------------------------------------ which keys

std::string refusal(std::string_view pem) {
  Keys keys;
  const auto added = keys.add("key", pem);
  return added ? "taken" : added.error().message;
}

TEST(Keys, WeakAndForeignKeysAreRefusedByName) {
  EXPECT_EQ(refusal(pem_of(ec_key("P-256").get())), "taken");
  EXPECT_EQ(refusal(pem_of(Owned<EVP_PKEY>(EVP_RSA_gen(1024)).get())), "RSA key of 1024 bits is too weak");
  EXPECT_THAT(refusal(pem_of(Owned<EVP_PKEY>(EVP_RSA_gen(2048)).get())),
              HasSubstr("RSA key of 2048 bits is not accepted"));
  EXPECT_THAT(refusal(pem_of(ec_key("P-521").get())), HasSubstr("a key of curve P-521 is not accepted"));
  EXPECT_THAT(refusal(pem_of(ec_key("P-224").get())), HasSubstr("curve secp224r1 is not accepted"));
  EXPECT_THAT(refusal(pem_of(ec_key("secp256k1").get())), HasSubstr("curve secp256k1 is not accepted"));
  const Owned<EVP_PKEY> x25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  EXPECT_THAT(refusal(pem_of(x25519.get())), HasSubstr("a key of curve X25519 is not accepted"));
}

TEST(Keys, OneBlockWithOnePublicKey) {
  const Owned<EVP_PKEY> key = ec_key("P-256");
  EXPECT_THAT(refusal(pem_of(key.get(), true)), HasSubstr("a private key"));
  EXPECT_THAT(refusal(pem_of(key.get()) + pem_of(ec_key("P-256").get())), HasSubstr("not exactly one PEM block"));
  EXPECT_THAT(refusal(""), HasSubstr("not exactly one PEM block"));
  EXPECT_THAT(refusal("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), HasSubstr("no PEM public key"));
  EXPECT_THAT(refusal("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
              HasSubstr("no PEM public key"));
  EXPECT_THAT(refusal(std::string(20000, ' ')), HasSubstr("more than a key"));
}

TEST(Keys, ANameOrKeyTwiceIsAMistake) {
  const Owned<EVP_PKEY> key = ec_key("P-256");
  Keys keys;
  ASSERT_TRUE(keys.add("one", pem_of(key.get())));
  EXPECT_EQ(keys.add("one", pem_of(ed25519_key().get())).error().message, "a second key named one");
  EXPECT_EQ(keys.add("two", pem_of(key.get())).error().message, "the same key as one");
  EXPECT_EQ(keys.size(), 1U);
}

TEST(Keys, AFileGivesTheKeyItsName) {
  const std::string path = testing::TempDir() + "headgate-vendor.release.pem";
  const Owned<EVP_PKEY> key = ed25519_key();
  std::ofstream(path) << pem_of(key.get());
  Keys keys;
  ASSERT_TRUE(keys.add_file(path));
  EXPECT_EQ(keys.verify(-19, {}, kMessage, sign_raw(key.get(), nullptr, kMessage)).value(),
            "headgate-vendor.release");
  EXPECT_THAT(keys.add_file("/nonexistent.pem").error().message, HasSubstr("trust anchor /nonexistent.pem: "));
  EXPECT_FALSE(keys.add_file("/tmp"));
}

// ---------------------------------------------------------------------------------------------------- hashes

TEST(Sha2, KnownAnswers) {  // FIPS 180-4, "abc"
  const auto start_of = [](std::size_t size) {
    Sha2 hash(size);
    hash.update(as_bytes("a"));
    hash.update(as_bytes("bc"));
    const Digest digest = hash.finish();
    EXPECT_EQ(digest.bytes().size(), size);
    return digest.hex().substr(0, 16);
  };
  EXPECT_EQ(start_of(32), "ba7816bf8f01cfea");
  EXPECT_EQ(start_of(48), "cb00753f45a35e8b");
  EXPECT_EQ(start_of(64), "ddaf35a193617aba");
  EXPECT_EQ(Sha256::of({}).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha2, ACopyGoesOnFromTheSameState) {
  Sha256 hash;
  hash.update(as_bytes("head"));
  Sha256 other = hash;
  hash.update(as_bytes("gate"));
  other.update(as_bytes("way"));
  EXPECT_EQ(hash.finish(), Sha256::of(as_bytes("headgate")));
  EXPECT_EQ(other.finish(), Sha256::of(as_bytes("headway")));
}

}  // namespace
}  // namespace hg::crypto
