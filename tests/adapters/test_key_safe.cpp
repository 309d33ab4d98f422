// SPDX-License-Identifier: Apache-2.0
// The safe of keys: every way in for a content key, what it is wrapped to for children, and what must not open: keys
// of others, sealed values that were changed or moved, damaged wraps, payloads that are not what was signed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/crypto/delivery_record.hpp"
#include "adapters/crypto/locked_memory.hpp"
#include "adapters/crypto/mcuboot_payload.hpp"
#include "adapters/crypto/mcuboot_wraps.hpp"
#include "safe_samples.hpp"

namespace hg::crypto {
namespace {

using core::KeyKind;
using core::KeyUse;
using testing::HasSubstr;
using testing::Not;

const std::string kChild = "boiler-1";

std::string pem_of_vector(const std::string& name) {
  return text_of(read_file(vector_path("keys/" + name + ".pem")));
}

std::string public_half(const std::string& private_pem) {
  return public_pem_of(AgreementKey::from_pem(private_pem).value().key());
}

Errc code_of(const auto& result) {
  EXPECT_FALSE(result);
  return result ? Errc::internal : result.error().code;
}

Bytes patched(const Sample& sample, const core::View& view) {
  Bytes file = sample.file;
  for (const core::Patch& patch : view.patches) {
    std::ranges::copy(patch.bytes, file.begin() + static_cast<std::ptrdiff_t>(patch.offset));
  }
  return file;
}

core::ChildKey child_key(SampleGateway& gateway, KeyUse use, std::string_view material, std::string name = {}) {
  auto key = gateway.safe().take_child_key(kChild, use, std::move(name), as_bytes(material));
  EXPECT_TRUE(key) << key.error().message;
  return key.value();
}

// --------------------------------------------------------------------------------------------------------- ways in

struct WayIn {
  std::string image;
  std::string gateway;
  std::string child;  ///< a key that can take the wrap of this image
};
const WayIn kWaysIn[] = {
    {"app-2.0.0-enc-p256-for-gateway", "gateway-enc-p256", "child1-enc-p256"},
    {"app-2.0.0-enc-p256-aes256-for-gateway", "gateway-enc-p256", "child1-enc-p256"},
    {"app-2.0.0-enc-x25519-for-gateway", "gateway-enc-x25519", ""},
};

TEST(KeySafe, OpensTheWrapInAnImageAndMakesItTheChilds) {
  for (const WayIn& row : kWaysIn) {
    SCOPED_TRACE(row.image);
    SampleGateway gateway(pem_of_vector(row.gateway));
    const Sample sample = mcuboot_sample(row.image);
    const auto key = gateway.take_in(sample);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->image, sample.digest());
    EXPECT_EQ(key->plaintext, sample.plaintext);

    const std::string child = row.child.empty() ? private_pem_of(make_key("X25519").get()) : pem_of_vector(row.child);
    const core::ChildKey public_key = child_key(gateway, KeyUse::wrap, public_half(child));
    const auto view = gateway.wrap(kChild, public_key, sample, *key);
    ASSERT_TRUE(view) << view.error().message;
    ASSERT_EQ(view->patches.size(), 1U);
    EXPECT_EQ(view->patches[0].offset, sample.sealing.offset);
    EXPECT_EQ(view->patches[0].bytes.size(), sample.sealing.size);
    EXPECT_EQ(view->key, public_key.id);
    const Bytes file = patched(sample, *view);
    EXPECT_EQ(view->digest, Sha256::of(file));

    const auto opened =
        open_mcuboot_wrap(sample.sealing.wrap, view->patches[0].bytes, AgreementKey::from_pem(child).value());
    ASSERT_TRUE(opened) << opened.error().message;
    const images::MemorySource source(file);
    EXPECT_EQ(digest_decrypted(source, images::read_structure(source).value(), *opened).value(), sample.plaintext);
    EXPECT_EQ(gateway.counters.now(), (ports::Counts{0, 1, 1, 1, 1}));
  }
}

TEST(KeySafe, AnImageForAnotherKeyStaysClosed) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  const auto key = gateway.take_in(mcuboot_sample("app-2.0.0-enc-p256-for-child1"));
  EXPECT_EQ(code_of(key), Errc::unauthenticated);
}

TEST(KeySafe, AKindOfWrapThatTheGatewaysKeyCannotOpenIsUnsupported) {
  SampleGateway p256(pem_of_vector("gateway-enc-p256"));
  EXPECT_EQ(code_of(p256.take_in(mcuboot_sample("app-2.0.0-enc-x25519-for-gateway"))), Errc::unsupported);
  SampleGateway x25519(pem_of_vector("gateway-enc-x25519"));
  Sample sample = mcuboot_sample("app-2.0.0-enc-p256-for-gateway");
  EXPECT_EQ(code_of(x25519.take_in(sample)), Errc::unsupported);
  sample.sealing.wrap = core::Wrap::rsa2048;
  EXPECT_EQ(code_of(p256.take_in(sample)), Errc::unsupported);
  sample.sealing.wrap = core::Wrap::aes_kw;
  const auto shared = p256.take_in(sample);
  EXPECT_EQ(code_of(shared), Errc::unsupported);
  EXPECT_THAT(shared.error().message, HasSubstr("keys.shared_credential"));
}

TEST(KeySafe, ADamagedWrapIsUnauthenticatedAndADamagedPayloadAMismatch) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  const Sample sound = mcuboot_sample("app-2.0.0-enc-p256-for-gateway");
  for (const std::uint32_t at : {1U, 70U, sound.sealing.size - 1}) {  // ephemeral key, MAC, hidden key
    Sample damaged = sound;
    damaged.file[sound.sealing.offset + at] ^= 1;
    EXPECT_EQ(code_of(gateway.take_in(damaged)), Errc::unauthenticated) << at;
  }
  Sample damaged = sound;
  damaged.file[0x300] ^= 1;
  EXPECT_EQ(code_of(gateway.take_in(damaged)), Errc::mismatch);
  Sample other = sound;
  other.plaintext = Sha256::of(sound.file);
  EXPECT_EQ(code_of(gateway.take_in(other)), Errc::mismatch);
}

TEST(KeySafe, AWrapBeyondTheEndOfTheImageIsInvalid) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  const Sample sound = mcuboot_sample("app-2.0.0-enc-p256-for-gateway");
  const std::uint64_t places[] = {sound.file.size() - 112, sound.file.size(), ~std::uint64_t{0}};
  const auto key = gateway.take_in(sound).value();
  const core::ChildKey child = child_key(gateway, KeyUse::wrap, public_half(pem_of_vector("child1-enc-p256")));
  for (const std::uint64_t offset : places) {
    Sample sample = sound;
    sample.sealing.offset = offset;
    EXPECT_EQ(code_of(gateway.take_in(sample)), Errc::invalid) << offset;
    EXPECT_EQ(code_of(gateway.wrap(kChild, child, sample, key)), Errc::invalid) << offset;
  }
  Sample longer = sound;
  longer.sealing.size = sound.sealing.size + 16;
  EXPECT_EQ(code_of(gateway.wrap(kChild, child, longer, key)), Errc::invalid);
}

TEST(KeySafe, OpensTheRecipientsOfCose) {
  const Bytes shared = random_bytes(16);
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"), shared);
  const auto own = RecipientKey::from_pem(public_half(pem_of_vector("gateway-enc-p256"))).value();
  for (const std::int64_t algorithm : {1, 3, 24, -65534, -65532}) {
    for (const bool is_shared : {false, true}) {
      SCOPED_TRACE(std::to_string(algorithm) + (is_shared ? " shared" : " own"));
      const auto content = ContentKey::generate(algorithm).value();
      const Bytes recipient =
          is_shared ? wrap(content, WrapKey::from_bytes("", shared).value()).value() : wrap(content, own).value();
      Sample sample = suit_sample(algorithm, content, {&recipient, 1});
      const auto key = gateway.take_in(sample);
      ASSERT_TRUE(key) << key.error().message;
      EXPECT_EQ(key->plaintext, sample.plaintext);
      sample.plaintext = {};
      EXPECT_EQ(gateway.take_in(sample)->plaintext, sample.digest());
      Sample damaged = sample;
      damaged.plaintext = key->plaintext;
      damaged.file[5] ^= 1;
      EXPECT_EQ(code_of(gateway.take_in(damaged)), Errc::mismatch);
    }
  }
}

TEST(KeySafe, AGrantedKeyIsCheckedAgainstThePayload) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  const auto own = RecipientKey::from_pem(public_half(pem_of_vector("gateway-enc-p256"))).value();
  const auto vendor = RecipientKey::from_pem(public_half(pem_of_vector("child1-enc-p256"))).value();
  const auto content = ContentKey::generate(1).value();
  const Bytes for_vendor = wrap(content, vendor).value();
  const Sample sample = suit_sample(1, content, {&for_vendor, 1});
  EXPECT_EQ(code_of(gateway.take_in(sample)), Errc::unauthenticated);

  const auto grant_of = [&](const ContentKey& key) {
    const Bytes recipient = wrap(key, own).value();
    return cose::write_encrypted(1, random_bytes(12), {&recipient, 1});
  };
  const auto key = gateway.take_grant(sample, grant_of(content));
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->plaintext, sample.plaintext);
  EXPECT_EQ(code_of(gateway.take_grant(sample, grant_of(ContentKey::generate(1).value()))), Errc::mismatch);
  EXPECT_EQ(code_of(gateway.take_grant(sample, cose::write_encrypted(1, random_bytes(12), {&for_vendor, 1}))),
            Errc::unauthenticated);
  EXPECT_EQ(code_of(gateway.take_grant(sample, Bytes{0x01, 0x02})), Errc::invalid);
}

TEST(KeySafe, AClearImageIsHiddenUnderAKeyOfItsOwn) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  const Sample clear = mcuboot_sample("app-1.0.0-clear");
  const auto encrypt = [&] {
    return gateway.run(gateway.safe().encrypt_clear(clear.open(), clear.file.size(), clear.sealing, clear.plaintext));
  };
  const auto encrypted = encrypt();
  ASSERT_TRUE(encrypted) << encrypted.error().message;
  EXPECT_EQ(encrypted->size, clear.file.size());
  EXPECT_NE(encrypt()->key.fingerprint, encrypted->key.fingerprint);

  struct Sheet final : ports::Intake {
    Bytes bytes;
    Result<void> append(ByteView piece) override {
      bytes.insert(bytes.end(), piece.begin(), piece.end());
      return {};
    }
    std::uint64_t received() const override { return bytes.size(); }
    int descriptor() const override { return -1; }
    boost::asio::awaitable<Result<void>> seal() override { co_return Result<void>{}; }
  } sheet;
  const auto filled =
      gateway.run(gateway.safe().fill_encrypted(encrypted->key, clear.open(), clear.file.size(), clear.sealing, sheet));
  ASSERT_TRUE(filled) << filled.error().message;
  Sample hidden = clear;
  hidden.file = sheet.bytes;
  EXPECT_EQ(hidden.digest(), encrypted->key.image);
  EXPECT_THAT(hidden.file, Not(testing::ElementsAreArray(clear.file)));

  const std::string child = pem_of_vector("child1-enc-p256");
  const auto view = gateway.wrap(kChild, child_key(gateway, KeyUse::wrap, public_half(child)), hidden, encrypted->key);
  ASSERT_TRUE(view) << view.error().message;
  const auto opened =
      open_mcuboot_wrap(clear.sealing.wrap, view->patches[0].bytes, AgreementKey::from_pem(child).value());
  const images::MemorySource source(hidden.file);
  EXPECT_EQ(digest_decrypted(source, images::read_structure(source).value(), *opened).value(), clear.plaintext);
}

// -------------------------------------------------------------------------------------------------------- to children

TEST(KeySafe, ADeliveryRecordOpensForTheChildAlone) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  const auto own = RecipientKey::from_pem(public_half(pem_of_vector("gateway-enc-p256"))).value();
  const auto content = ContentKey::generate(1).value();
  const Bytes recipient = wrap(content, own).value();
  const Sample sample = suit_sample(1, content, {&recipient, 1});
  const auto key = gateway.take_in(sample).value();
  const Bytes secret = random_bytes(16);
  const core::ChildKey keys[] = {
      child_key(gateway, KeyUse::wrap, public_half(pem_of_vector("child1-enc-p256")), "c1"),
      child_key(gateway, KeyUse::wrap, to_hex(secret), "kek"),
  };
  for (const core::ChildKey& each : keys) {
    const auto view = gateway.wrap(kChild, each, sample, key);
    ASSERT_TRUE(view) << view.error().message;
    EXPECT_TRUE(view->patches.empty());
    EXPECT_EQ(view->digest, sample.digest());
    cbor::Reader reader(view->record);
    const auto message = cose::read_encrypted(reader).value();
    ASSERT_EQ(message.recipients.size(), 1U);
    EXPECT_EQ(text_of(Bytes(message.recipients[0].key_id.begin(), message.recipients[0].key_id.end())), each.name);
    const auto child = AgreementKey::from_pem(pem_of_vector("child1-enc-p256"), "c1").value();
    const auto opened = each.kind == KeyKind::aes ? unwrap(message, WrapKey::from_bytes("kek", secret).value())
                                                  : unwrap(message, child);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(to_hex(opened->bytes()), to_hex(content.bytes()));
    EXPECT_FALSE(unwrap(message, AgreementKey::from_pem(pem_of_vector("gateway-enc-p256")).value()));
    EXPECT_FALSE(unwrap(message, AgreementKey::from_pem(pem_of_vector("child2-enc-p256")).value()));
  }
}

TEST(KeySafe, AKeyThatDoesNotFitTheWrapIsUnsupported) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  const Sample sample = mcuboot_sample("app-2.0.0-enc-p256-for-gateway");
  const auto key = gateway.take_in(sample).value();
  const std::string x25519 = public_pem_of(make_key("X25519").get());
  EXPECT_EQ(code_of(gateway.wrap(kChild, child_key(gateway, KeyUse::wrap, x25519), sample, key)), Errc::unsupported);
  const core::ChildKey aes = child_key(gateway, KeyUse::wrap, to_hex(random_bytes(16)));
  EXPECT_EQ(code_of(gateway.wrap(kChild, aes, sample, key)), Errc::unsupported);
  const core::ChildKey mac = child_key(gateway, KeyUse::identify, to_hex(random_bytes(32)), "k1");
  EXPECT_EQ(code_of(gateway.wrap(kChild, mac, sample, key)), Errc::unsupported);
}

TEST(KeySafe, TheBodyIsReadOnceForAllChildren) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  const Sample sample = mcuboot_sample("app-2.0.0-enc-p256-for-gateway");
  const auto key = gateway.take_in(sample).value();
  const ports::Counts before = gateway.counters.now();
  for (int n = 0; n < 20; ++n) {
    const core::ChildKey child = child_key(gateway, KeyUse::wrap, public_pem_of(make_key("P-256").get()));
    ASSERT_TRUE(gateway.wrap(kChild, child, sample, key));
  }
  const ports::Counts after = gateway.counters.now();
  EXPECT_EQ(after.images_hashed, before.images_hashed);
  EXPECT_EQ(after.signatures_verified, before.signatures_verified);
  EXPECT_EQ(after.content_keys_opened, before.content_keys_opened);
  EXPECT_EQ(after.image_heads_hashed, before.image_heads_hashed + 1);
  EXPECT_EQ(after.keys_wrapped, before.keys_wrapped + 20);
}

// ------------------------------------------------------------------------------------------------------------- sealing

TEST(KeySafe, ASealedKeyThatWasChangedMovedOrIsOfAnotherStoreDoesNotOpen) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  SampleGateway other(pem_of_vector("gateway-enc-p256"));
  const Sample sample = mcuboot_sample("app-2.0.0-enc-p256-for-gateway");
  const core::ChildKey child = child_key(gateway, KeyUse::wrap, public_half(pem_of_vector("child1-enc-p256")));
  const auto key = gateway.take_in(sample).value();
  ASSERT_TRUE(gateway.wrap(kChild, child, sample, key));
  for (std::size_t at = 0; at < key.sealed.size(); ++at) {
    core::ContentKey changed = key;
    changed.sealed[at] ^= 1;
    EXPECT_EQ(code_of(gateway.wrap(kChild, child, sample, changed)), Errc::unauthenticated) << at;
  }
  core::ContentKey cut = key;
  cut.sealed.resize(20);
  EXPECT_EQ(code_of(gateway.wrap(kChild, child, sample, cut)), Errc::unauthenticated);
  Sample moved = sample;
  moved.file[0x300] ^= 1;  // another image
  EXPECT_EQ(code_of(gateway.wrap(kChild, child, moved, key)), Errc::unauthenticated);
  EXPECT_EQ(code_of(other.wrap(kChild, child, sample, key)), Errc::unauthenticated);
}

TEST(KeySafe, AChildsSecretOpensForThatChildAndUseOnly) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  const auto own = RecipientKey::from_pem(public_half(pem_of_vector("gateway-enc-p256"))).value();
  const auto content = ContentKey::generate(1).value();
  const Bytes recipient = wrap(content, own).value();
  const Sample sample = suit_sample(1, content, {&recipient, 1});
  const auto key = gateway.take_in(sample).value();
  const core::ChildKey secret = child_key(gateway, KeyUse::wrap, to_hex(random_bytes(32)));
  ASSERT_TRUE(gateway.wrap(kChild, secret, sample, key));
  EXPECT_EQ(code_of(gateway.wrap("boiler-2", secret, sample, key)), Errc::unauthenticated);
  core::ChildKey other_use = secret;
  other_use.use = KeyUse::link;
  EXPECT_EQ(code_of(gateway.wrap(kChild, other_use, sample, key)), Errc::unauthenticated);
}

TEST(KeySafe, AFingerprintIsTheSameOverRestartsAndForNoOtherKey) {
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  const Sample p256 = mcuboot_sample("app-2.0.0-enc-p256-for-gateway");
  const auto first = gateway.take_in(p256).value();
  gateway.restart();
  EXPECT_FALSE(gateway.opened().has_new_store_key);
  const auto again = gateway.take_in(p256).value();
  EXPECT_EQ(again.fingerprint, first.fingerprint);
  EXPECT_NE(again.sealed, first.sealed);
  const core::ChildKey child = child_key(gateway, KeyUse::wrap, public_half(pem_of_vector("child1-enc-p256")));
  EXPECT_TRUE(gateway.wrap(kChild, child, p256, first));
  EXPECT_NE(gateway.take_in(mcuboot_sample("app-2.0.0-enc-p256-aes256-for-gateway"))->fingerprint, first.fingerprint);
  SampleGateway other(pem_of_vector("gateway-enc-p256"));
  EXPECT_NE(other.take_in(p256)->fingerprint, first.fingerprint);
}

TEST(KeySafe, SecretsStandInLockedMemory) {  // and nowhere else: test_key_memory.py
  SampleGateway gateway(pem_of_vector("gateway-enc-p256"));
  EXPECT_TRUE(is_locked_secret(Secret(16).view().data()));
}

}  // namespace
}  // namespace hg::crypto
