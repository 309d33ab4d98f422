// SPDX-License-Identifier: Apache-2.0
// Content keys and ciphers: the vectors of draft-ietf-suit-firmware-encryption and our own with every intermediate,
// each algorithm back and forth, and keys and points that do not belong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/obj_mac.h>
#include <openssl/rand.h>

#include <boost/json.hpp>

#include "adapters/crypto/content_cipher.hpp"
#include "adapters/crypto/content_keys.hpp"
#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/key_wrap.hpp"
#include "crypto_samples.hpp"

namespace hg::crypto {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;
namespace json = boost::json;

const std::int64_t kContentAlgorithms[] = {1, 2, 3, 24, -65534, -65533, -65532};

Bytes hex(std::string_view digits) {
  return from_hex(digits).value();
}

cose::Encrypted read(ByteView message) {
  cbor::Reader reader(message);
  auto encrypted = cose::read_encrypted(reader);
  EXPECT_TRUE(encrypted) << encrypted.error().message;
  EXPECT_TRUE(reader.at_end());
  return encrypted.value();
}

AgreementKey p256_key(std::string_view d, std::string name = {}) {
  return AgreementKey::from_pem(ec_private_pem(NID_X9_62_prime256v1, hex(d)), std::move(name)).value();
}

std::string reason(const Result<ContentKey>& key) {
  return key ? "opened" : key.error().message;
}

// ------------------------------------------------------------------------------------------------------ vectors

TEST(FirmwareEncryption, TheDraftsExamplesDecrypt) {
  const WrapKey shared = WrapKey::from_bytes("kid-1", Bytes(16, 'a')).value();
  const AgreementKey device = p256_key("60fe6dd6d85d5740a5349b6f91267eeac5ba81b8cb53ee249e4b4eb102c476b3", "kid-2");
  for (const std::string name : {"aes-kw-aes-ctr", "aes-kw-aes-gcm", "es-ecdh-aes-ctr", "es-ecdh-aes-gcm"}) {
    SCOPED_TRACE(name);
    const Bytes info = read_file(suit_vector("firmware-encryption/suit-encryption-info-" + name + ".cbor"));
    const Bytes ciphertext = read_file(suit_vector("firmware-encryption/encrypted-payload-" + name + ".bin"));
    const cose::Encrypted message = read(info);
    const bool is_shared = name.starts_with("aes-kw");
    const auto key = is_shared ? unwrap(message, shared) : unwrap(message, device);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_THAT(decrypt(message, *key, ciphertext).value(),
                ElementsAreArray(as_bytes("This is a real firmware image.")));
    EXPECT_FALSE(is_shared ? unwrap(message, device) : unwrap(message, shared));
  }
}

class DerivedEncryption : public testing::Test {
 protected:
  void check(const json::object& values) {
    const std::string name(values.at("name").as_string());
    const Bytes info = read_file(suit_vector("derived-encryption/" + name + ".encryption-info.cbor"));
    const cose::Encrypted message = read(info);
    EXPECT_EQ(message.algorithm, values.at("content_alg").as_int64());
    EXPECT_EQ(to_hex(message.iv), values.at("iv").as_string());
    if (values.at("aad").is_string()) {
      EXPECT_EQ(to_hex(cose::additional_data(message)), values.at("aad").as_string());
    }
    const Bytes ciphertext = read_file(suit_vector("derived-encryption/" + name + ".ciphertext.bin"));
    EXPECT_EQ(Sha256::of(ciphertext).hex(), values.at("ciphertext_sha256").as_string());
    const auto& recipients = values.at("recipients").as_array();
    ASSERT_EQ(message.recipients.size(), recipients.size());
    for (std::size_t i = 0; i < recipients.size(); ++i) {
      check_recipient(message, i, recipients[i].as_object(), values, ciphertext);
    }
  }

  void check_recipient(const cose::Encrypted& message, std::size_t index, const json::object& recipient,
                       const json::object& values, ByteView ciphertext) {
    const std::string kid(recipient.at("kid").as_string());
    const Bytes wrapping = hex(recipient.at("kek").as_string());
    const cose::Recipient& found = message.recipients[index];
    EXPECT_THAT(found.key_id, ElementsAreArray(as_bytes(kid)));
    EXPECT_EQ(to_hex(found.wrapped_key), recipient.at("wrapped_cek").as_string());
    EXPECT_EQ(to_hex(unwrap_key(wrapping, found.wrapped_key).value().view()), values.at("cek").as_string());
    if (recipient.contains("kdf_context") && recipient.at("kdf_context").is_string()) {
      EXPECT_EQ(to_hex(cose::kdf_context(found)), recipient.at("kdf_context").as_string());
      const Bytes z = hex(recipient.at("Z").as_string());
      EXPECT_THAT(derive_key(z, {}, cose::kdf_context(found), wrapping.size()).value().view(),
                  ElementsAreArray(wrapping));
    }
    const auto key = recipient.contains("device_private_d")
                         ? unwrap(message, p256_key(recipient.at("device_private_d").as_string(), kid))
                         : unwrap(message, WrapKey::from_bytes(kid, wrapping).value());
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(to_hex(key->bytes()), values.at("cek").as_string());
    EXPECT_THAT(decrypt(message, *key, ciphertext).value(), ElementsAreArray(plaintext_));
  }

  const Bytes plaintext_ = read_file(suit_vector("derived-encryption/plaintext.bin"));
};

TEST_F(DerivedEncryption, EveryRecipientOfEveryMessageHasEveryIntermediate) {
  const Bytes text = read_file(suit_vector("derived-encryption/values.json"));
  const json::value values = json::parse(std::string_view(reinterpret_cast<const char*>(text.data()), text.size()));
  EXPECT_EQ(values.as_array().size(), 6U);
  for (const json::value& each : values.as_array()) {
    SCOPED_TRACE(std::string(each.at("name").as_string()));
    check(each.as_object());
  }
}

TEST(KeyWrap, KnownAnswers) {  // RFC 3394 §4.1, §4.3, §4.6
  const Bytes key = hex("00112233445566778899aabbccddeeff");
  const Bytes k128 = hex("000102030405060708090a0b0c0d0e0f");
  const Bytes k256 = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  EXPECT_EQ(to_hex(wrap_key(k128, key).value()), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
  EXPECT_EQ(to_hex(wrap_key(k256, key).value()), "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7");
  EXPECT_EQ(to_hex(unwrap_key(k128, hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5")).value().view()),
            to_hex(key));
  EXPECT_EQ(unwrap_key(k128, hex("1fa68b0a8112b447")).error().code, Errc::invalid);
}

TEST(Hkdf, KnownAnswers) {  // RFC 5869 A.1, A.3
  const Bytes secret(22, 0x0b);
  const Bytes salt = hex("000102030405060708090a0b0c");
  const Bytes info = hex("f0f1f2f3f4f5f6f7f8f9");
  EXPECT_EQ(to_hex(derive_key(secret, salt, info, 42).value().view()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(to_hex(derive_key(secret, {}, {}, 42).value().view()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

// ------------------------------------------------------------------------------------------------ back and forth

/// A message of `algorithm` for `recipients`, and what it says.
struct Made {
  Made(std::int64_t algorithm, std::span<const Bytes> recipients)
      : info(cose::write_encrypted(algorithm, Bytes(algorithm < 0 ? 16 : 12, 7), recipients)), message(read(info)) {}

  Bytes info;
  cose::Encrypted message;
};

Bytes encrypt(const cose::Encrypted& message, const ContentKey& key, ByteView plaintext, std::size_t piece) {
  Bytes ciphertext;
  const Sink sink = [&](ByteView bytes) -> Result<void> {
    ciphertext.insert(ciphertext.end(), bytes.begin(), bytes.end());
    return {};
  };
  Encryptor encryptor = Encryptor::start(message, key).value();
  for (std::size_t at = 0; at < plaintext.size(); at += piece) {
    EXPECT_TRUE(encryptor.update(plaintext.subspan(at, std::min(piece, plaintext.size() - at)), sink));
  }
  EXPECT_TRUE(encryptor.finish(sink));
  return ciphertext;
}

Bytes random_bytes(std::size_t size) {
  Bytes bytes(size);
  RAND_bytes(bytes.data(), static_cast<int>(size));
  return bytes;
}

TEST(Contents, EveryCipherBackAndForth) {
  const WrapKey shared = WrapKey::from_bytes("shared", random_bytes(32)).value();
  for (const std::int64_t algorithm : kContentAlgorithms) {
    SCOPED_TRACE(algorithm);
    const ContentKey key = ContentKey::generate(algorithm).value();
    const Bytes recipients[] = {wrap(key, shared).value()};
    const Made made(algorithm, recipients);
    EXPECT_FALSE(made.message.ciphertext);
    const ContentKey opened = unwrap(made.message, shared).value();
    EXPECT_THAT(opened.bytes(), ElementsAreArray(key.bytes()));
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 65535U, 65536U, 65537U, 200000U}) {
      const Bytes plaintext = random_bytes(size);
      const Bytes ciphertext = encrypt(made.message, key, plaintext, 1 + size / 3);
      EXPECT_EQ(ciphertext.size(), size + (algorithm > 0 ? 16 : 0));
      EXPECT_EQ(ciphertext, encrypt(made.message, key, plaintext, size + 1));
      EXPECT_EQ(decrypt(made.message, opened, ciphertext).value(), plaintext);
    }
  }
}

TEST(Contents, AnAeadGivesNothingWithoutItsTag) {
  for (const std::int64_t algorithm : {1, 2, 3, 24}) {
    const ContentKey key = ContentKey::generate(algorithm).value();
    const WrapKey shared = WrapKey::from_bytes("shared", random_bytes(16)).value();
    const Bytes recipients[] = {wrap(key, shared).value()};
    const Made made(algorithm, recipients);
    const Bytes good = encrypt(made.message, key, as_bytes("plaintext"), 4);
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes bad = good;
      bad[i] ^= 1;
      EXPECT_EQ(decrypt(made.message, key, bad).error().code, Errc::unauthenticated);
      EXPECT_EQ(decrypt(made.message, key, ByteView(good).first(i)).error().code, Errc::unauthenticated);
    }
    cose::Encrypted other = made.message;
    other.protected_header = {};  // another AAD
    EXPECT_EQ(decrypt(other, key, good).error().code, Errc::unauthenticated);
    EXPECT_EQ(decrypt(made.message, ContentKey::generate(algorithm).value(), good).error().code, Errc::unauthenticated);
    EXPECT_EQ(ERR_peek_error(), 0U);
  }
}

TEST(Contents, CtrCountsFromTheIv) {  // NIST SP 800-38A F.5.1, and RFC 9459 §4: the IV is the first counter block
  const ContentKey key{Secret(hex("2b7e151628aed2a6abf7158809cf4f3c"))};
  const Bytes iv = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  cose::Encrypted message;
  message.algorithm = -65534;
  message.iv = iv;
  const Bytes plaintext = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
  EXPECT_EQ(to_hex(encrypt(message, key, plaintext, 5)),
            "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
}

TEST(Contents, EachAlgorithmRefusesKeysOfOthers) {
  for (const std::int64_t algorithm : kContentAlgorithms) {
    for (const std::int64_t other : kContentAlgorithms) {
      const ContentKey key = ContentKey::generate(other).value();
      const std::size_t size = ContentKey::generate(algorithm).value().bytes().size();
      const Bytes iv(algorithm < 0 ? 16 : 12);
      cose::Encrypted message;
      message.algorithm = algorithm;
      message.iv = iv;
      EXPECT_EQ(Encryptor::start(message, key).has_value(), key.bytes().size() == size);
      if (key.bytes().size() == size) continue;
      EXPECT_THAT(decrypt(message, key, Bytes(32)).error().message, HasSubstr("a key or IV that "));
    }
  }
  cose::Encrypted message;
  const ContentKey key = ContentKey::generate(1).value();
  for (const std::int64_t algorithm : {-3, 5, -9, -29, 10, 0}) {
    message.algorithm = algorithm;
    EXPECT_EQ(decrypt(message, key, Bytes(32)).error().code, Errc::unsupported);
    EXPECT_EQ(ContentKey::generate(algorithm).error().code, Errc::unsupported);
  }
}

TEST(Contents, MoreThanTheLimitIsNotDecryptedAtOnce) {
  EXPECT_EQ(decrypt({}, ContentKey::generate(1).value(), Bytes(kMaxContentBytes + 1)).error().code, Errc::too_large);
}

TEST(Contents, TheSinksErrorIsPassedOn) {
  const ContentKey key = ContentKey::generate(1).value();
  const WrapKey shared = WrapKey::from_bytes("shared", random_bytes(16)).value();
  const Bytes recipients[] = {wrap(key, shared).value()};
  const Made made(1, recipients);
  const Sink full = [](ByteView) -> Result<void> { return Error{Errc::no_space, "full"}; };
  Encryptor encryptor = Encryptor::start(made.message, key).value();
  EXPECT_EQ(encryptor.update(Bytes(10), full).error().code, Errc::no_space);
  EXPECT_EQ(encryptor.finish(full).error().code, Errc::no_space);
}

// ---------------------------------------------------------------------------------------------------- recipients

TEST(Recipients, EveryWrapKeySizeAndCurveBackAndForth) {
  for (const std::int64_t algorithm : kContentAlgorithms) {
    const ContentKey key = ContentKey::generate(algorithm).value();
    std::vector<WrapKey> shared;
    for (const std::size_t size : {16, 24, 32}) {
      shared.push_back(WrapKey::from_bytes("shared-" + std::to_string(size), random_bytes(size)).value());
    }
    std::vector<AgreementKey> devices;
    std::vector<Bytes> recipients;
    for (const WrapKey& each : shared) recipients.push_back(wrap(key, each).value());
    for (const char* curve : {"P-256", "P-384", "P-521", "X25519"}) {
      const Owned<EVP_PKEY> made = make_key(curve);
      devices.push_back(AgreementKey::from_pem(private_pem_of(made.get())).value());
      recipients.push_back(wrap(key, RecipientKey::from_pem(public_pem_of(made.get())).value()).value());
    }
    const Made made(algorithm, recipients);
    for (const WrapKey& each : shared) {
      EXPECT_THAT(unwrap(made.message, each).value().bytes(), ElementsAreArray(key.bytes()));
    }
    for (const AgreementKey& each : devices) {
      EXPECT_THAT(unwrap(made.message, each).value().bytes(), ElementsAreArray(key.bytes()));
      EXPECT_FALSE(unwrap(made.message, each, "another use"));
    }
  }
}

TEST(Recipients, TheKidChoosesAndIsOnlyAHint) {
  const ContentKey key = ContentKey::generate(1).value();
  const Bytes secret = random_bytes(16);
  const WrapKey mine = WrapKey::from_bytes("mine", secret).value();
  const WrapKey renamed = WrapKey::from_bytes("renamed", secret).value();
  const WrapKey impostor = WrapKey::from_bytes("mine", random_bytes(16)).value();
  const WrapKey other = WrapKey::from_bytes("other", random_bytes(16)).value();
  const Bytes recipients[] = {wrap(key, other).value(), wrap(key, mine).value()};
  const Made made(1, recipients);
  EXPECT_EQ(reason(unwrap(made.message, mine)), "opened");
  EXPECT_EQ(reason(unwrap(made.message, renamed)), "opened");
  EXPECT_EQ(reason(unwrap(made.message, impostor)), "recipient 2: the wrapped key is not for this key");
  const WrapKey longer = WrapKey::from_bytes("mine", random_bytes(32)).value();
  EXPECT_EQ(reason(unwrap(made.message, longer)), "no recipient for a key of this type and size");
  EXPECT_EQ(unwrap(made.message, longer).error().code, Errc::not_found);
  const AgreementKey device = AgreementKey::from_pem(private_pem_of(make_key("P-256").get())).value();
  EXPECT_EQ(unwrap(made.message, device).error().code, Errc::not_found);
}

TEST(Recipients, KeyIdsAreFingerprintsUnlessNamed) {
  const Owned<EVP_PKEY> made = make_key("P-256");
  const std::string pem = public_pem_of(made.get());
  const AgreementKey device = AgreementKey::from_pem(private_pem_of(made.get()), "device-7").value();
  EXPECT_EQ(device.key_id(), key_id_of_pem(pem).value());
  EXPECT_EQ(device.cose_key(), cose_key_from_pem(pem).value());
  const RecipientKey by_key = RecipientKey::from_cose_key(device.cose_key()).value();
  EXPECT_THAT(by_key.key_id(), ElementsAreArray(device.key_id().bytes()));
  EXPECT_TRUE(device.is_meant_by(by_key.key_id()));
  const RecipientKey by_name = RecipientKey::from_pem(pem, {'d', '7'}).value();
  EXPECT_THAT(by_name.key_id(), ElementsAreArray(as_bytes("d7")));
  EXPECT_TRUE(device.is_meant_by(as_bytes("device-7")));
  EXPECT_FALSE(device.is_meant_by({}));
}

TEST(Recipients, KeysThatDoNotBelongAreRefusedByName) {
  const auto refusal = [](const Owned<EVP_PKEY>& key) {
    const auto own = AgreementKey::from_pem(private_pem_of(key.get()));
    const auto peer = RecipientKey::from_pem(public_pem_of(key.get()));
    EXPECT_FALSE(own);
    EXPECT_FALSE(peer);
    if (own || peer) return std::string("taken");
    EXPECT_EQ(own.error().message, peer.error().message);
    return own.error().message;
  };
  EXPECT_EQ(refusal(make_key("ED25519")), "Ed25519 keys sign, they cannot agree");
  EXPECT_THAT(refusal(Owned<EVP_PKEY>(EVP_RSA_gen(2048))), HasSubstr("RSA key of 2048 bits is not accepted"));
  EXPECT_THAT(refusal(make_key("secp256k1")), HasSubstr("secp256k1 is not accepted"));
  const Point point = point_of(make_key("P-256").get()).value();
  EXPECT_EQ(RecipientKey::from_cose_key(cose::write_key({point.curve, point.x, point.y, -9})).error().message,
            "a key for algorithm -9 only");
  EXPECT_TRUE(RecipientKey::from_cose_key(cose::write_key({point.curve, point.x, point.y, -29})));
  for (const std::size_t size : {0U, 8U, 15U, 17U, 48U}) {
    EXPECT_THAT(WrapKey::from_bytes("k", Bytes(size)).error().message, HasSubstr("not 16, 24 or 32"));
  }
}

/// A message whose only recipient has this ephemeral key and salt.
Bytes message_with(const cose::PublicKey& ephemeral, ByteView salt, ByteView wrapped) {
  const Bytes header = cose::recipient_header(-29);
  const Bytes recipients[] = {cose::write_recipient({-29, {}, header, ephemeral, salt, wrapped})};
  return cose::write_encrypted(1, Bytes(12), recipients);
}

TEST(Recipients, PointsOffTheirCurveAreRefused) {
  for (const char* curve : {"P-256", "P-384", "P-521"}) {
    const AgreementKey device = AgreementKey::from_pem(private_pem_of(make_key(curve).get())).value();
    Point point = point_of(make_key(curve).get()).value();
    point.y.back() ^= 1;
    const Bytes off = message_with(point.view(), {}, Bytes(24));
    EXPECT_EQ(reason(unwrap(read(off), device)), "recipient 1: ephemeral key: a point that is not on its curve");
  }
  // The points of X25519 that agree on zero with everybody (RFC 7748 §6.1).
  const AgreementKey device = AgreementKey::from_pem(private_pem_of(make_key("X25519").get())).value();
  for (const std::string digits : {"00", "01"}) {
    const Bytes x = hex(digits + std::string(62, '0'));
    const Bytes weak = message_with({cose::Curve::x25519, x, {}, 0}, {}, Bytes(24));
    EXPECT_THAT(reason(unwrap(read(weak), device)), HasSubstr("no key agreement with this public key"));
  }
}

TEST(Recipients, ASaltIsHonoured) {
  const Owned<EVP_PKEY> made = make_key("P-256");
  const AgreementKey device = AgreementKey::from_pem(private_pem_of(made.get())).value();
  const Owned<EVP_PKEY> ephemeral = make_key("P-256");
  const Point point = point_of(ephemeral.get()).value();
  const Bytes header = cose::recipient_header(-29);
  const Bytes salt = random_bytes(32);
  const cose::Recipient recipient{-29, {}, header, point.view(), salt, {}};
  const Secret z = agree(ephemeral.get(), made.get()).value();
  const Secret wrapping = derive_key(z.view(), salt, cose::kdf_context(recipient), 16).value();
  const Bytes content = random_bytes(16);
  const Bytes wrapped = wrap_key(wrapping.view(), content).value();
  const Bytes good = message_with(point.view(), salt, wrapped);
  EXPECT_THAT(unwrap(read(good), device).value().bytes(), ElementsAreArray(content));
  const Bytes without = message_with(point.view(), {}, wrapped);
  EXPECT_EQ(unwrap(read(without), device).error().code, Errc::unauthenticated);
}

}  // namespace
}  // namespace hg::crypto
