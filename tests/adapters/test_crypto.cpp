// SPDX-License-Identifier: Apache-2.0
// Keys, MACs and SHA-2: which keys are taken, which signatures are good, with keys made in the test by OpenSSL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <fstream>

#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/keys.hpp"
#include "adapters/crypto/private_key.hpp"
#include "cose/signed.hpp"
#include "crypto_samples.hpp"

namespace hg::crypto {
namespace {

using testing::HasSubstr;

const ByteView kMessage = as_bytes("to be signed");

Owned<EVP_PKEY> ec_key(const char* curve) {
  return make_key(curve);
}
Owned<EVP_PKEY> ed25519_key() {
  return make_key("ED25519");
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
    ASSERT_TRUE(keys_.add("p256", public_pem_of(p256_.get())));
    ASSERT_TRUE(keys_.add("p384", public_pem_of(p384_.get())));
    ASSERT_TRUE(keys_.add("ed", public_pem_of(ed_.get())));
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

TEST_F(Signatures, EachAlgorithmWithEachKeyThatIsNotItsOwn) {
  struct Kind {
    EVP_PKEY* key;
    Bytes signature;
    std::vector<std::int64_t> algorithms;
  };
  const Kind kinds[] = {
      {p256_.get(), by_p256_, {-7, -9}}, {p384_.get(), by_p384_, {-35, -51}}, {ed_.get(), by_ed_, {-8, -19}}};
  for (const Kind& has : kinds) {
    Keys keys;
    ASSERT_TRUE(keys.add("only", public_pem_of(has.key)));
    for (const Kind& asked : kinds) {
      for (const std::int64_t algorithm : asked.algorithms) {
        Bytes signature = has.signature;
        signature.resize(asked.signature.size());
        EXPECT_EQ(keys.verify(algorithm, {}, kMessage, signature).has_value(), &has == &asked) << algorithm;
        EXPECT_EQ(keys.verify(algorithm, {}, kMessage, asked.signature).has_value(), &has == &asked) << algorithm;
      }
    }
    for (const std::int64_t algorithm : {5, 6, 7, 1, 2, 3, 24, -65534, -3, -4, -5, -29, -30, -31}) {
      EXPECT_EQ(keys.verify(algorithm, {}, kMessage, has.signature).error().code, Errc::unsupported) << algorithm;
    }
  }
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
  ASSERT_TRUE(keys_.add("second", public_pem_of(second.get())));
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
  EXPECT_EQ(refusal(public_pem_of(ec_key("P-256").get())), "taken");
  EXPECT_EQ(refusal(public_pem_of(Owned<EVP_PKEY>(EVP_RSA_gen(1024)).get())), "RSA key of 1024 bits is too weak");
  EXPECT_THAT(refusal(public_pem_of(Owned<EVP_PKEY>(EVP_RSA_gen(2048)).get())),
              HasSubstr("RSA key of 2048 bits is not accepted"));
  EXPECT_THAT(refusal(public_pem_of(ec_key("P-521").get())), HasSubstr("a key of curve P-521 is not accepted"));
  EXPECT_THAT(refusal(public_pem_of(ec_key("P-224").get())), HasSubstr("curve secp224r1 is not accepted"));
  EXPECT_THAT(refusal(public_pem_of(ec_key("secp256k1").get())), HasSubstr("curve secp256k1 is not accepted"));
  const Owned<EVP_PKEY> x25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  EXPECT_THAT(refusal(public_pem_of(x25519.get())), HasSubstr("a key of curve X25519 is not accepted"));
}

TEST(Keys, OneBlockWithOnePublicKey) {
  const Owned<EVP_PKEY> key = ec_key("P-256");
  EXPECT_THAT(refusal(private_pem_of(key.get())), HasSubstr("a private key"));
  EXPECT_THAT(refusal(public_pem_of(key.get()) + public_pem_of(ec_key("P-256").get())),
              HasSubstr("not exactly one PEM block"));
  EXPECT_THAT(refusal(""), HasSubstr("not exactly one PEM block"));
  EXPECT_THAT(refusal("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), HasSubstr("no PEM public key"));
  EXPECT_THAT(refusal("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
              HasSubstr("no PEM public key"));
  EXPECT_THAT(refusal(std::string(20000, ' ')), HasSubstr("more than a key"));
}

TEST(Keys, ANameOrKeyTwiceIsAMistake) {
  const Owned<EVP_PKEY> key = ec_key("P-256");
  Keys keys;
  ASSERT_TRUE(keys.add("one", public_pem_of(key.get())));
  EXPECT_EQ(keys.add("one", public_pem_of(ed25519_key().get())).error().message, "a second key named one");
  EXPECT_EQ(keys.add("two", public_pem_of(key.get())).error().message, "the same key as one");
  EXPECT_EQ(keys.size(), 1U);
}

TEST(Keys, AFileGivesTheKeyItsName) {
  const std::string path = testing::TempDir() + "headgate-vendor.release.pem";
  const Owned<EVP_PKEY> key = ed25519_key();
  std::ofstream(path) << public_pem_of(key.get());
  Keys keys;
  ASSERT_TRUE(keys.add_file(path));
  EXPECT_EQ(keys.verify(-19, {}, kMessage, sign_raw(key.get(), nullptr, kMessage)).value(), "headgate-vendor.release");
  EXPECT_THAT(keys.add_file("/nonexistent.pem").error().message, HasSubstr("trust anchor /nonexistent.pem: "));
  EXPECT_FALSE(keys.add_file("/tmp"));
}

// ------------------------------------------------------------------------------------------------ COSE_Keys

Bytes cose_key_of(EVP_PKEY* key, std::int64_t algorithm = 0) {
  const Point point = point_of(key).value();
  return cose::write_key({point.curve, point.x, point.y, algorithm});
}

std::string cose_refusal(ByteView cose_key) {
  Keys keys;
  const auto added = keys.add_cose_key("key", cose_key);
  return added ? "taken" : added.error().message;
}

TEST_F(Signatures, ACoseKeyIsTheSameKey) {
  for (EVP_PKEY* key : {p256_.get(), p384_.get(), ed_.get()}) {
    EXPECT_THAT(cose_key_from_pem(public_pem_of(key)).value(), testing::ElementsAreArray(cose_key_of(key)));
    EXPECT_THAT(keys_.add_cose_key("again", cose_key_of(key)).error().message, HasSubstr("the same key as "));
  }
  Keys keys;
  ASSERT_TRUE(keys.add_cose_key("p256", cose_key_of(p256_.get())));
  EXPECT_EQ(keys.verify(-9, fingerprint_of(p256_.get()).bytes(), kMessage, by_p256_).value(), "p256");
}

TEST_F(Signatures, AlgBindsAKeyToOneAlgorithm) {
  Keys keys;
  ASSERT_TRUE(keys.add_cose_key("bound", cose_key_of(p256_.get(), -9)));
  EXPECT_TRUE(keys.verify(-9, {}, kMessage, by_p256_));
  EXPECT_EQ(keys.verify(-7, {}, kMessage, by_p256_).error().message, "no ES256 signature of any trusted key");
  EXPECT_EQ(cose_refusal(cose_key_of(p256_.get(), -51)), "a P-256 key for ESP384");
  EXPECT_EQ(cose_refusal(cose_key_of(ed_.get(), -9)), "a Ed25519 key for ESP256");
  EXPECT_EQ(cose_refusal(cose_key_of(p256_.get(), 5)), "HMAC 256/256 is no signature algorithm");
  EXPECT_EQ(cose_refusal(cose_key_of(p256_.get(), -29)), "ECDH-ES + A128KW is no signature algorithm");
}

TEST(CoseKeys, PointsOffTheirCurveAreRefused) {
  for (const char* curve : {"P-256", "P-384"}) {
    Point point = point_of(ec_key(curve).get()).value();
    point.y.back() ^= 1;
    EXPECT_EQ(cose_refusal(cose::write_key(point.view())), "a point that is not on its curve");
    point.x.assign(point.x.size(), 0xff);  // beyond p
    EXPECT_EQ(cose_refusal(cose::write_key(point.view())), "a point that is not on its curve");
    point.x.assign(point.x.size(), 0);
    point.y.assign(point.y.size(), 0);
    EXPECT_EQ(cose_refusal(cose::write_key(point.view())), "a point that is not on its curve");
  }
}

/// 32 bytes that begin and end with the given ones.
std::string ed25519_refusal(std::string_view first, std::string_view fill, std::string_view last) {
  std::string digits(first);
  while (digits.size() < 62) digits += fill;
  const Bytes x = from_hex(digits + std::string(last)).value();
  return cose_refusal(cose::write_key({cose::Curve::ed25519, x, {}, 0}));
}

TEST(CoseKeys, Ed25519PointsAreChecked) {
  EXPECT_EQ(ed25519_refusal("02", "00", "00"), "a point that is not on its curve");
  EXPECT_EQ(ed25519_refusal("03", "00", "00"), "taken");
  for (const char* sign : {"00", "80"}) {
    EXPECT_THAT(ed25519_refusal("00", "00", sign), HasSubstr("small order"));
    EXPECT_THAT(ed25519_refusal("01", "00", sign), HasSubstr("small order"));
  }
  for (const char* sign : {"7f", "ff"}) {
    EXPECT_THAT(ed25519_refusal("ec", "ff", sign), HasSubstr("small order"));
    EXPECT_THAT(ed25519_refusal("ed", "ff", sign), HasSubstr("y beyond p"));
    EXPECT_THAT(ed25519_refusal("ee", "ff", sign), HasSubstr("y beyond p"));
  }
  EXPECT_THAT(ed25519_refusal("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03", "", "7a"),
              HasSubstr("small order"));
  EXPECT_THAT(ed25519_refusal("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc", "", "05"),
              HasSubstr("small order"));
  for (int i = 0; i < 16; ++i) EXPECT_EQ(cose_refusal(cose_key_of(ed25519_key().get())), "taken");
}

TEST(CoseKeys, ForeignOnesAreRefusedByName) {
  EXPECT_THAT(cose_refusal(cose_key_of(ec_key("P-521").get())), HasSubstr("a key of curve P-521 is not accepted"));
  EXPECT_THAT(cose_refusal(cose_key_of(make_key("X25519").get())), HasSubstr("a key of curve X25519 is not accepted"));
  Bytes trailing = cose_key_of(ec_key("P-256").get());
  trailing.push_back(0xf6);
  EXPECT_THAT(cose_refusal(trailing), HasSubstr("1 bytes after the end"));
  EXPECT_THAT(cose_refusal({}), HasSubstr("COSE_Key: "));
}

TEST(Keys, AnyEncodingOfAPointIsTheSameKey) {
  const Owned<EVP_PKEY> key = ec_key("P-256");
  const std::string plain = public_pem_of(key.get());
  ASSERT_EQ(EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"), 1);
  const std::string compressed = public_pem_of(key.get());
  ASSERT_NE(plain, compressed);
  Keys keys;
  ASSERT_TRUE(keys.add("one", plain));
  EXPECT_EQ(keys.add("two", compressed).error().message, "the same key as one");
  EXPECT_EQ(key_id_of_pem(plain).value(), key_id_of_pem(compressed).value());
}

TEST(RingMaker, NamesTheKeyThatIsNoGood) {
  const Bytes good = cose_key_of(ec_key("P-256").get());
  const Bytes bad = cose_key_of(ec_key("P-521").get());
  const RingMaker maker;
  EXPECT_TRUE(maker.ring_of({}));
  const cose::NamedKey one[] = {{"good", good}};
  EXPECT_TRUE(maker.ring_of(one));
  const cose::NamedKey two[] = {{"good", good}, {"bad", bad}};
  EXPECT_THAT(maker.ring_of(two).error().message, HasSubstr("key bad: a key of curve P-521"));
  const cose::NamedKey twice[] = {{"good", good}, {"better", good}};
  EXPECT_EQ(maker.ring_of(twice).error().message, "key better: the same key as good");
  const cose::NamedKey unnamed[] = {{"", good}};
  EXPECT_EQ(maker.ring_of(unnamed).error().message, "key : a key without a name");
}

// ----------------------------------------------------------------------------------------------------- MACs

TEST(Macs, OnlySecretsOfTheAlgorithmsSizeMakeThem) {  // RFC 4231 has other key sizes; cose-wg has the known answers
  const Bytes secrets[] = {Bytes(32, 'a'), Bytes(48, 'b'), Bytes(64, 'c')};
  const EVP_MD* hashes[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
  const std::string names[] = {"a", "b", "c"};
  Keys keys;
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(keys.add_mac_key(names[i], secrets[i]));
  for (std::size_t with = 0; with < 3; ++with) {
    for (std::size_t key = 0; key < 3; ++key) {
      Bytes tag(EVP_MAX_MD_SIZE);
      unsigned size = 0;
      HMAC(hashes[with], secrets[key].data(), static_cast<int>(secrets[key].size()), kMessage.data(), kMessage.size(),
           tag.data(), &size);
      tag.resize(size);
      const auto maker = keys.verify_mac(5 + static_cast<int>(with), {}, kMessage, tag);
      EXPECT_EQ(maker.has_value(), with == key);
      if (with != key) continue;
      EXPECT_EQ(*maker, names[key]);
      EXPECT_TRUE(keys.verify_mac(5 + static_cast<int>(with), as_bytes(names[key]), kMessage, tag));
      EXPECT_FALSE(keys.verify_mac(5 + static_cast<int>(with), as_bytes(names[(key + 1) % 3]), kMessage, tag));
      tag[0] ^= 1;
      EXPECT_FALSE(keys.verify_mac(5 + static_cast<int>(with), {}, kMessage, tag));
    }
  }
}

TEST_F(Signatures, PublicKeysMakeNoMacs) {
  const Bytes tag(32);
  EXPECT_EQ(keys_.verify_mac(5, as_bytes("p256"), kMessage, tag).error().message, "a MAC, and no MAC key is trusted");
  ASSERT_TRUE(keys_.add_mac_key("mac", Bytes(32, 'a')));
  // The old confusion: the public key's bytes as an HMAC secret, under the public key's kid.
  const Bytes cose_key = cose_key_of(p256_.get());
  const std::string pem = public_pem_of(p256_.get());
  const Bytes spki = Bytes(as_bytes(pem).begin(), as_bytes(pem).end());
  for (const Bytes& secret : {cose_key, spki, point_of(p256_.get()).value().x}) {
    Bytes made(32);
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), kMessage.data(), kMessage.size(), made.data(),
         nullptr);
    EXPECT_EQ(keys_.verify_mac(5, as_bytes("p256"), kMessage, made).error().message,
              "no HMAC 256/256 MAC of any trusted key");
  }
  EXPECT_EQ(signer(-9, by_p256_, as_bytes("mac")), "p256");  // a MAC key's name chooses no public key
}

TEST(Macs, NamesSizesAndAlgorithmsAreChecked) {
  Keys keys;
  const Bytes secret(32, 'a');
  ASSERT_TRUE(keys.add_mac_key("mac", secret));
  EXPECT_EQ(keys.add_mac_key("other", secret).error().message, "the same key as mac");
  EXPECT_EQ(keys.add_mac_key("mac", Bytes(32, 'b')).error().message, "a second key named mac");
  EXPECT_EQ(keys.add_mac_key("", Bytes(32, 'b')).error().message, "a key without a name");
  EXPECT_EQ(keys.add("mac", public_pem_of(ec_key("P-256").get())).error().message, "a second key named mac");
  EXPECT_EQ(keys.add_mac_key("short", Bytes(16, 'b')).error().message, "a MAC key of 16 bytes, not 32, 48 or 64");
  EXPECT_EQ(keys.verify_mac(5, {}, kMessage, Bytes(8)).error().message, "HMAC 256/256 MAC of 8 bytes, not 32");
  EXPECT_EQ(keys.verify_mac(4, {}, kMessage, Bytes(8)).error().message,
            "MAC algorithm 4 is not accepted: HMAC 256/64, a tag cut to 8 bytes");
  EXPECT_EQ(keys.verify_mac(-9, {}, kMessage, Bytes(64)).error().message, "ESP256 is no MAC algorithm");
  EXPECT_EQ(keys.size(), 0U);
}

// --------------------------------------------------------------------------------------------- private keys

std::string private_refusal(std::string_view pem) {
  const auto key = PrivateKey::from_pem(pem);
  return key ? "taken" : key.error().message;
}

TEST(PrivateKeys, SignWhatTheirPublicHalfVerifies) {
  const std::pair<const char*, std::int64_t> kinds[] = {{"P-256", -9}, {"P-384", -51}, {"ED25519", -19}};
  for (const auto& [kind, algorithm] : kinds) {
    const Owned<EVP_PKEY> made = make_key(kind);
    const auto key = PrivateKey::from_pem(private_pem_of(made.get()));
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ((*key)->algorithm(), algorithm);
    EXPECT_EQ((*key)->public_pem(), public_pem_of(made.get()));
    EXPECT_THAT((*key)->key_id(), testing::ElementsAreArray(fingerprint_of(made.get()).bytes()));
    Keys keys;
    ASSERT_TRUE(keys.add_cose_key("it", (*key)->cose_key()));
    for (int i = 0; i < 20; ++i) {  // r or s with leading zeros come by chance
      const Bytes signature = (*key)->sign(kMessage).value();
      EXPECT_EQ(keys.verify(algorithm, (*key)->key_id(), kMessage, signature).value(), "it");
    }
  }
}

TEST(PrivateKeys, OthersAreRefusedByName) {
  const Owned<EVP_PKEY> good = ec_key("P-256");
  EXPECT_EQ(private_refusal(private_pem_of(good.get())), "taken");
  EXPECT_EQ(private_refusal(public_pem_of(good.get())), "private key: no private key");
  EXPECT_EQ(private_refusal(""), "private key: no private key");
  EXPECT_EQ(private_refusal("nonsense"), "private key: no private key");
  EXPECT_EQ(private_refusal(private_pem_of(good.get()) + private_pem_of(ec_key("P-256").get())),
            "private key: more than one private key");
  EXPECT_EQ(private_refusal(private_pem_of(good.get(), "secret")),
            "private key: a key with a passphrase, which nobody is asked for here");
  EXPECT_EQ(private_refusal(private_pem_of(ec_key("P-521").get())), "nothing is signed with a P-521 key");
  EXPECT_EQ(private_refusal(private_pem_of(make_key("X25519").get())), "nothing is signed with a X25519 key");
  EXPECT_THAT(private_refusal(private_pem_of(Owned<EVP_PKEY>(EVP_RSA_gen(2048)).get())),
              HasSubstr("RSA key of 2048 bits is not accepted"));
  EXPECT_THAT(private_refusal(private_pem_of(ec_key("secp256k1").get())), HasSubstr("secp256k1 is not accepted"));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKeys, ComeFromPathsAndUris) {
  const std::string path = testing::TempDir() + "headgate-private.pem";
  const Owned<EVP_PKEY> made = ec_key("P-384");
  std::ofstream(path) << private_pem_of(made.get());
  EXPECT_EQ(PrivateKey::load(path).value()->public_pem(), public_pem_of(made.get()));
  EXPECT_EQ(PrivateKey::load("file:" + path).value()->public_pem(), public_pem_of(made.get()));
  EXPECT_EQ(PrivateKey::load("/nonexistent.pem").error().code, Errc::not_found);
  EXPECT_THAT(PrivateKey::load("/nonexistent.pem").error().message, HasSubstr("private key /nonexistent.pem: "));
  EXPECT_EQ(PrivateKey::load("pkcs11:object=none").error().code, Errc::not_found);
  EXPECT_FALSE(PrivateKey::load("/tmp"));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKeys, WriteMessagesThatKeysVerify) {
  const auto one = PrivateKey::from_pem(private_pem_of(ec_key("P-256").get())).value();
  const auto two = PrivateKey::from_pem(private_pem_of(ed25519_key().get())).value();
  Keys keys;
  ASSERT_TRUE(keys.add_cose_key("one", one->cose_key()));
  ASSERT_TRUE(keys.add_cose_key("two", two->cose_key()));
  const cose::Signer* signers[] = {one.get()};
  const Bytes first = cose::write_sign(kMessage, "application/test", signers).value();
  const Bytes both = cose::add_signature(first, *two).value();
  EXPECT_EQ(cose::add_signature(both, *two).error().message, "this key signed it already");
  cbor::Reader reader(both);
  const cose::Signed read = cose::read_signed(reader).value();
  ASSERT_EQ(read.signatures.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const cose::Signature& each = read.signatures[i];
    const Bytes covered = cose::to_be_signed(each, *read.payload);
    EXPECT_EQ(keys.verify(each.algorithm, each.key_id, covered, each.signature).value(), i == 0 ? "one" : "two");
  }
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
