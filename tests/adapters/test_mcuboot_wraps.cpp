// SPDX-License-Identifier: Apache-2.0
// Wrapped content keys of MCUboot images: those that imgtool made (tests/vectors/mcuboot), each kind back and forth,
// and what is no good. Whether somebody else reads what is made here is for test_mcuboot_views.py.
#include "adapters/crypto/mcuboot_wraps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/locked_memory.hpp"
#include "adapters/crypto/mcuboot_payload.hpp"
#include "crypto_samples.hpp"

namespace hg::crypto {
namespace {

using core::Wrap;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::Not;

const std::string kVectors = HEADGATE_SOURCE_DIR "/tests/vectors/mcuboot/";

Bytes read_image(const std::string& name) {
  return read_file(kVectors + name + ".bin");
}

AgreementKey vector_key(const std::string& name) {
  return AgreementKey::load(kVectors + "keys/" + name + ".pem").value();
}

Bytes random_bytes(std::size_t size) {
  Bytes bytes(size);
  RAND_bytes(bytes.data(), static_cast<int>(size));
  return bytes;
}

ContentKey content_key(unsigned bits) {
  return ContentKey(Secret(random_bytes(bits / 8)));
}

/// A key of a recipient, both halves of it; a shared key is both.
class Recipient {
 public:
  Recipient(const std::string& type, std::size_t shared_bytes) {
    if (type.empty()) {
      shared_ = WrapKey::from_bytes("shared", random_bytes(shared_bytes)).value();
      return;
    }
    const Owned<EVP_PKEY> key = make_key(type);
    own_ = AgreementKey::from_pem(private_pem_of(key.get())).value();
    public_ = RecipientKey::from_pem(public_pem_of(key.get())).value();
  }

  [[nodiscard]] Result<Bytes> make(Wrap kind, const ContentKey& content) const {
    return shared_ ? make_mcuboot_wrap(kind, content, *shared_) : make_mcuboot_wrap(kind, content, *public_);
  }
  [[nodiscard]] Result<ContentKey> open(Wrap kind, ByteView wrapped) const {
    return shared_ ? open_mcuboot_wrap(kind, wrapped, *shared_) : open_mcuboot_wrap(kind, wrapped, *own_);
  }

 private:
  std::optional<WrapKey> shared_;
  std::optional<AgreementKey> own_;
  std::optional<RecipientKey> public_;
};

// -------------------------------------------------------------------------------------------- what imgtool made

struct Made {
  const char* file;
  const char* key;
  Wrap kind;
  std::size_t offset;
  std::size_t size;
};
constexpr Made kMade[] = {
    {"app-2.0.0-enc-p256-for-gateway", "gateway-enc-p256", Wrap::ec256, 205468, 113},
    {"app-2.0.0-enc-p256-for-child1", "child1-enc-p256", Wrap::ec256, 205467, 113},
    {"app-2.0.0-enc-x25519-for-gateway", "gateway-enc-x25519", Wrap::x25519, 205460, 80},
    {"app-2.0.0-enc-p256-aes256-for-gateway", "gateway-enc-p256", Wrap::ec256, 25243, 129},
};

class ImgtoolsWrap : public testing::TestWithParam<Made> {};

TEST_P(ImgtoolsWrap, OpensToTheKeyThatGivesTheSignedPlaintext) {
  const Bytes bytes = read_image(GetParam().file);
  const images::MemorySource file(bytes);
  const images::McubootImage image = images::read_structure(file).value();
  EXPECT_EQ(image.content_key->offset, GetParam().offset);
  const ByteView wrapped = ByteView(bytes).subspan(GetParam().offset, GetParam().size);
  const auto key = open_mcuboot_wrap(GetParam().kind, wrapped, vector_key(GetParam().key));
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(digest_decrypted(file, image, *key).value(), image.digest);
  const ContentKey wrong = content_key(static_cast<unsigned>(key->bytes().size() * 8));
  EXPECT_NE(digest_decrypted(file, image, wrong).value(), image.digest);
}

TEST_P(ImgtoolsWrap, OpensForNobodyElse) {
  const Bytes bytes = read_image(GetParam().file);
  const ByteView wrapped = ByteView(bytes).subspan(GetParam().offset, GetParam().size);
  for (const std::string name : {"gateway-enc-p256", "child1-enc-p256", "child2-enc-p256", "gateway-enc-x25519",
                                 "child1-enc-x25519", "child2-enc-x25519"}) {
    if (name == GetParam().key) continue;
    SCOPED_TRACE(name);
    const AgreementKey other = vector_key(name);
    const bool fits = (other.curve() == cose::Curve::p256) == (GetParam().kind == Wrap::ec256);
    const auto refused = open_mcuboot_wrap(GetParam().kind, wrapped, other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, fits ? Errc::unauthenticated : Errc::unsupported) << refused.error().message;
  }
}

TEST_P(ImgtoolsWrap, IsReplacedByOneForAChildThatGivesTheSamePlaintext) {
  Bytes bytes = read_image(GetParam().file);
  const std::span<std::uint8_t> wrapped = std::span(bytes).subspan(GetParam().offset, GetParam().size);
  const ContentKey key = open_mcuboot_wrap(GetParam().kind, wrapped, vector_key(GetParam().key)).value();
  const Recipient child(GetParam().kind == Wrap::ec256 ? "P-256" : "X25519", 0);
  const Bytes made = child.make(GetParam().kind, key).value();
  ASSERT_EQ(made.size(), wrapped.size());
  EXPECT_THAT(made, Not(ElementsAreArray(wrapped)));
  std::ranges::copy(made, wrapped.begin());
  const images::MemorySource file(bytes);
  const images::McubootImage image = images::read_structure(file).value();
  const ContentKey opened = child.open(GetParam().kind, made).value();
  EXPECT_EQ(digest_decrypted(file, image, opened).value(), image.digest);
  EXPECT_EQ(open_mcuboot_wrap(GetParam().kind, made, vector_key(GetParam().key)).error().code, Errc::unauthenticated);
}

INSTANTIATE_TEST_SUITE_P(McubootWraps, ImgtoolsWrap, testing::ValuesIn(kMade), [](const auto& row) {
  std::string name = row.param.file;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

// ------------------------------------------------------------------------------------------------ back and forth

struct Kind {
  const char* name;
  Wrap wrap;
  unsigned bits;
  const char* type;  ///< of the recipient's key; empty: shared
  std::size_t size;
};
constexpr Kind kKinds[] = {
    {"ENC_EC256", Wrap::ec256, 128, "P-256", 113},
    {"ENC_EC256", Wrap::ec256, 256, "P-256", 129},
    {"ENC_X25519", Wrap::x25519, 128, "X25519", 80},
    {"ENC_X25519", Wrap::x25519, 256, "X25519", 96},
    {"ENC_X25519_SHA512", Wrap::x25519_sha512, 128, "X25519", 112},
    {"ENC_X25519_SHA512", Wrap::x25519_sha512, 256, "X25519", 128},
    {"ENC_KW", Wrap::aes_kw, 128, "", 24},
    {"ENC_KW", Wrap::aes_kw, 256, "", 40},
};

class WrapKind : public testing::TestWithParam<Kind> {
 protected:
  const Kind& kind_ = GetParam();
  const ContentKey content_ = content_key(kind_.bits);
  const Recipient child_{kind_.type, kind_.bits / 8};
  const Bytes wrapped_ = child_.make(kind_.wrap, content_).value();
};

TEST_P(WrapKind, HasItsSizeAndOpensForItsRecipientAlone) {
  EXPECT_EQ(wrapped_.size(), kind_.size);
  EXPECT_EQ(mcuboot_wrap_size(kind_.wrap, kind_.bits).value(), kind_.size);
  EXPECT_THAT(child_.open(kind_.wrap, wrapped_).value().bytes(), ElementsAreArray(content_.bytes()));
  const Recipient other(kind_.type, kind_.bits / 8);
  const auto refused = other.open(kind_.wrap, wrapped_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unauthenticated);
  EXPECT_THAT(refused.error().message, testing::StartsWith(std::string(kind_.name) + ": "));
}

TEST_P(WrapKind, IsAnotherEachTimeForAPairAndTheSameForASharedKey) {
  const Bytes again = child_.make(kind_.wrap, content_).value();
  EXPECT_EQ(again == wrapped_, kind_.wrap == Wrap::aes_kw);
}

TEST_P(WrapKind, IsRefusedWithAnyByteChanged) {
  for (std::size_t i = 0; i < wrapped_.size(); ++i) {
    Bytes bad = wrapped_;
    bad[i] ^= 1;
    const auto refused = child_.open(kind_.wrap, bad);
    ASSERT_FALSE(refused) << i;
    EXPECT_EQ(refused.error().code, Errc::unauthenticated) << i << ": " << refused.error().message;
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_P(WrapKind, IsRefusedByNameAtAnyOtherLength) {
  for (std::size_t size = 0; size < 300; ++size) {
    Bytes bad = wrapped_;
    bad.resize(size);
    const bool is_other_content_size = size + 16 == kind_.size || size == kind_.size + 16;
    if (size == kind_.size || is_other_content_size) continue;
    const auto refused = child_.open(kind_.wrap, bad);
    ASSERT_FALSE(refused) << size;
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_THAT(refused.error().message, HasSubstr(std::string(kind_.name) + " of " + std::to_string(size) + " bytes"));
  }
}

TEST_P(WrapKind, TakesNoContentKeyOfAnotherSize) {
  for (const unsigned bits : {0U, 64U, 192U, 512U}) {
    const auto refused = child_.make(kind_.wrap, content_key(bits));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_EQ(refused.error().message, std::string(kind_.name) + " of a content key of " + std::to_string(bits) +
                                           " bits: MCUboot has 128 and 256");
    EXPECT_EQ(mcuboot_wrap_size(kind_.wrap, bits).error().code, Errc::invalid);
  }
}

INSTANTIATE_TEST_SUITE_P(McubootWraps, WrapKind, testing::ValuesIn(kKinds), [](const auto& row) {
  return std::string(row.param.name) + "_" + std::to_string(row.param.bits);
});

// ------------------------------------------------------------------------------------------- keys that do not fit

struct Misfit {
  const char* name;
  Wrap kind;
  const char* type;
  std::size_t shared_bytes;
  const char* refusal;
};
constexpr Misfit kMisfits[] = {
    {"ec256_for_x25519", Wrap::ec256, "X25519", 0, "ENC_EC256 is for a key of P-256, this is a key of X25519"},
    {"ec256_for_p384", Wrap::ec256, "P-384", 0, "ENC_EC256 is for a key of P-256, this is a key of P-384"},
    {"ec256_for_shared", Wrap::ec256, "", 16, "ENC_EC256 is for a key of P-256, this is a shared key"},
    {"x25519_for_p256", Wrap::x25519, "P-256", 0, "ENC_X25519 is for a key of X25519, this is a key of P-256"},
    {"x25519_sha512_for_p256", Wrap::x25519_sha512, "P-256", 0,
     "ENC_X25519_SHA512 is for a key of X25519, this is a key of P-256"},
    {"kw_for_p256", Wrap::aes_kw, "P-256", 0, "ENC_KW is for a shared key, this is a key of P-256"},
    {"kw_for_a_longer_key", Wrap::aes_kw, "", 32, "ENC_KW of 16 bytes needs a shared key of as many, this one has 32"},
    {"kw_for_a_key_of_192_bits", Wrap::aes_kw, "", 24,
     "ENC_KW of 16 bytes needs a shared key of as many, this one has 24"},
    {"rsa", Wrap::rsa2048, "P-256", 0, "ENC_RSA2048: headgate neither opens nor makes it"},
    {"rsa_shared", Wrap::rsa2048, "", 16, "ENC_RSA2048: headgate neither opens nor makes it"},
    {"cose", Wrap::cose, "P-256", 0, "no wrap of MCUboot"},
    {"unknown", Wrap::unknown, "", 16, "no wrap of MCUboot"},
};

class MisfitKey : public testing::TestWithParam<Misfit> {};

TEST_P(MisfitKey, IsUnsupportedByName) {
  const Recipient recipient(GetParam().type, GetParam().shared_bytes);
  const auto known = mcuboot_wrap_size(GetParam().kind, 128);
  const std::size_t size = known ? *known : 256;
  const auto made = recipient.make(GetParam().kind, content_key(128));
  const auto opened = recipient.open(GetParam().kind, Bytes(size, 4));
  ASSERT_FALSE(made);
  ASSERT_FALSE(opened);
  EXPECT_EQ(made.error(), (Error{Errc::unsupported, GetParam().refusal}));
  EXPECT_EQ(opened.error(), made.error());
}

INSTANTIATE_TEST_SUITE_P(McubootWraps, MisfitKey, testing::ValuesIn(kMisfits),
                         [](const auto& row) { return row.param.name; });

TEST(McubootWraps, PointsThatAgreeWithEverybodyAreDamage) {  // RFC 7748 §6.1
  const Recipient child("X25519", 0);
  for (const std::uint8_t first : {std::uint8_t{0}, std::uint8_t{1}}) {
    Bytes weak(80);
    weak[0] = first;
    const auto refused = child.open(Wrap::x25519, weak);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unauthenticated);
    EXPECT_THAT(refused.error().message, HasSubstr("ephemeral key: no key agreement"));
  }
}

TEST(McubootWraps, ACompressedPointIsDamage) {
  Bytes wrapped(113, 7);
  wrapped[0] = 2;
  const auto refused = Recipient("P-256", 0).open(Wrap::ec256, wrapped);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (Error{Errc::unauthenticated, "ENC_EC256: ephemeral key: no uncompressed point"}));
}

// --------------------------------------------------------------------------------------------- keys in SPKI form

Bytes spki_of(EVP_PKEY* key) {
  std::uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

TEST(RecipientKeys, ComeAsSubjectPublicKeyInfo) {
  for (const char* type : {"P-256", "P-384", "P-521", "X25519"}) {
    SCOPED_TRACE(type);
    const Owned<EVP_PKEY> key = make_key(type);
    Bytes spki = spki_of(key.get());
    const RecipientKey made = RecipientKey::from_spki(spki).value();
    EXPECT_THAT(made.key_id(), ElementsAreArray(Sha256::of(spki).bytes()));
    EXPECT_EQ(EVP_PKEY_eq(made.key(), key.get()), 1);
    for (std::size_t cut = 0; cut < spki.size(); ++cut) {
      EXPECT_EQ(RecipientKey::from_spki(ByteView(spki).first(cut)).error().code, Errc::invalid);
    }
    spki.push_back(0);
    EXPECT_EQ(RecipientKey::from_spki(spki).error().message, "bytes after a SubjectPublicKeyInfo");
  }
}

TEST(RecipientKeys, InOtherFormsAreTheSameKey) {
  const Owned<EVP_PKEY> key = make_key("P-256");
  const RecipientKey made = RecipientKey::from_spki(spki_of(key.get())).value();
  EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed");
  const Bytes compressed = spki_of(key.get());
  EXPECT_EQ(compressed.size(), 59U);
  const auto again = RecipientKey::from_spki(compressed);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_THAT(again->key_id(), ElementsAreArray(made.key_id()));
}

TEST(RecipientKeys, ThatDoNotBelongAreRefused) {
  EXPECT_EQ(RecipientKey::from_spki(spki_of(make_key("ED25519").get())).error().message,
            "Ed25519 keys sign, they cannot agree");
  EXPECT_THAT(RecipientKey::from_spki(spki_of(make_key("secp256k1").get())).error().message,
              HasSubstr("secp256k1 is not accepted"));
  Bytes off = spki_of(make_key("P-256").get());
  off.back() ^= 1;
  EXPECT_EQ(RecipientKey::from_spki(off).error().message, "a point that is not on its curve");
}

// ---------------------------------------------------------------------------------------------- --clear images

TEST(ClearImages, AreEncryptedInThePayloadAlone) {
  const Bytes clear = read_image("app-1.0.0-clear");
  const images::MemorySource file(clear);
  const images::McubootImage image = images::read_structure(file).value();
  const ContentKey key = content_key(128);
  EXPECT_NE(digest_decrypted(file, image, key).value(), image.digest);
  Bytes sealed;
  const Sink sink = [&sealed](ByteView piece) -> Result<void> {
    EXPECT_LE(piece.size(), 64U * 1024);
    sealed.insert(sealed.end(), piece.begin(), piece.end());
    return {};
  };
  ASSERT_TRUE(encrypt_payload(file, image, key, sink));
  ASSERT_EQ(sealed.size(), clear.size());
  std::size_t same = 0;
  for (std::size_t i = 0; i < clear.size(); ++i) {
    const bool is_payload = i >= image.header_size && i < image.payload_end();
    if (!is_payload) {
      ASSERT_EQ(sealed[i], clear[i]) << i;
    } else if (sealed[i] == clear[i]) {
      ++same;
    }
  }
  EXPECT_LT(same, image.payload_size / 64);  // 1 in 256 by chance
  const images::HashingWith<Sha2> hashing;
  const images::MemorySource sealed_file(sealed);
  EXPECT_TRUE(images::inspect(sealed_file, hashing).value().is_ciphertext());
  EXPECT_EQ(digest_decrypted(sealed_file, image, key).value(), image.digest);
}

TEST(ClearImages, TakeNoLockedMemoryForTheirPayload) {
  const auto locked = lock_key_memory();
  if (!locked) GTEST_SKIP() << "SKIPPED LOUDLY: " << locked.error().message;
  const Bytes clear = read_image("app-1.0.0-clear");
  const images::MemorySource file(clear);
  const images::McubootImage image = images::read_structure(file).value();
  const ContentKey key = content_key(128);
  std::size_t most = 0;
  const Sink sink = [&most](ByteView) -> Result<void> {
    most = std::max(most, bytes_of_secrets());
    return {};
  };
  ASSERT_TRUE(encrypt_payload(file, image, key, sink));
  EXPECT_GE(most, key.bytes().size());
  EXPECT_LE(most, 1024U);
}

TEST(ClearImages, TheSinksErrorAndWrongKeysArePassedOn) {
  const Bytes clear = read_image("app-1.0.0-clear");
  const images::MemorySource file(clear);
  const images::McubootImage image = images::read_structure(file).value();
  const Sink full = [](ByteView) -> Result<void> { return Error{Errc::no_space, "full"}; };
  EXPECT_EQ(encrypt_payload(file, image, content_key(128), full).error().code, Errc::no_space);
  EXPECT_EQ(encrypt_payload(file, image, content_key(256), full).error().message,
            "a content key of 32 bytes, the image has 16");
  const Bytes plain = read_image("app-1.0.0");
  const images::MemorySource plain_file(plain);
  EXPECT_EQ(digest_decrypted(plain_file, images::read_structure(plain_file).value(), content_key(128)).error().code,
            Errc::invalid);
  const ByteView cut = ByteView(clear).first(clear.size() / 2);
  EXPECT_EQ(digest_decrypted(images::MemorySource(cut), image, content_key(128)).error().message,
            "the image is cut off");
}

}  // namespace
}  // namespace hg::crypto
