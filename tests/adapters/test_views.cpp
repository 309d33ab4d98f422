// SPDX-License-Identifier: Apache-2.0
// What is made for one child of a shared image: the digest of a file with patches over it, and what it costs; delivery
// records for SUIT children.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/rand.h>

#include <thread>

#include "adapters/crypto/content_cipher.hpp"
#include "adapters/crypto/delivery_record.hpp"
#include "adapters/crypto/view_digest.hpp"
#include "crypto_samples.hpp"

namespace hg::crypto {
namespace {

using core::Patch;
using testing::ElementsAreArray;
using testing::HasSubstr;

Bytes random_bytes(std::size_t size) {
  Bytes bytes(size);
  RAND_bytes(bytes.data(), static_cast<int>(size));
  return bytes;
}

/// A file in memory that counts what is read of it, and may fail.
class CountingSource : public images::Source {
 public:
  explicit CountingSource(ByteView bytes) : file_(bytes) {}

  [[nodiscard]] std::uint64_t size() const override { return file_.size(); }
  [[nodiscard]] Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> into) const override {
    if (is_broken) return Error{Errc::io, "read image: broken"};
    read += into.size();
    return file_.read_at(offset, into);
  }

  mutable std::atomic<std::uint64_t> read{0};
  bool is_broken = false;

 private:
  images::MemorySource file_;
};

Bytes patched(Bytes bytes, std::span<const Patch> patches) {
  for (const Patch& patch : patches)
    std::ranges::copy(patch.bytes, bytes.begin() + static_cast<std::ptrdiff_t>(patch.offset));
  return bytes;
}

class Views : public testing::Test {
 protected:
  static constexpr std::size_t kSize = 300000;
  static constexpr std::size_t kWrapAt = kSize - 150;

  static Patch wrap_at(std::size_t offset) { return {offset, random_bytes(113)}; }

  const Bytes bytes_ = random_bytes(kSize);
  const Digest image_ = Sha256::of(bytes_);
  CountingSource file_{bytes_};
  ports::Counters counters_;
  ViewDigests digests_{counters_};
};

TEST_F(Views, TheBodyIsReadForTheFirstChildAndOnlyTheTailForOthers) {
  for (unsigned child = 0; child < 20; ++child) {
    const Patch patches[] = {wrap_at(kWrapAt)};
    const std::uint64_t before = file_.read;
    EXPECT_EQ(digests_.digest_of(image_, file_, patches).value(), Sha256::of(patched(bytes_, patches)));
    EXPECT_EQ(file_.read - before, (child == 0 ? kWrapAt : 0) + kSize - kWrapAt - 113);
  }
  EXPECT_EQ(counters_.now().image_heads_hashed, 1U);
  EXPECT_EQ(counters_.now().images_hashed, 0U);
}

TEST_F(Views, SeveralPatchesAnywhereAreOneView) {
  const std::vector<std::vector<Patch>> views = {
      {{0, {1}}},
      {{0, random_bytes(16)}, {16, random_bytes(16)}, {kSize - 1, {7}}},
      {{65535, random_bytes(2)}, {131072, random_bytes(1000)}},
      {{kSize - 113, random_bytes(113)}},
  };
  for (const auto& patches : views) {
    EXPECT_EQ(digests_.digest_of(image_, file_, patches).value(), Sha256::of(patched(bytes_, patches)));
  }
}

TEST_F(Views, WithoutPatchesItIsTheImage) {
  EXPECT_EQ(digests_.digest_of(image_, file_, {}).value(), image_);
  EXPECT_EQ(file_.read, 0U);
}

TEST_F(Views, AHeadThatCouldNotBeReadIsReadAgain) {
  const Patch patches[] = {wrap_at(kWrapAt)};
  file_.is_broken = true;
  EXPECT_EQ(digests_.digest_of(image_, file_, patches).error().code, Errc::io);
  file_.is_broken = false;
  EXPECT_EQ(digests_.digest_of(image_, file_, patches).value(), Sha256::of(patched(bytes_, patches)));
}

TEST_F(Views, TheImageUsedLeastRecentlyIsForgottenFirst) {
  const auto use = [&](std::uint8_t number) {
    const Digest image = Sha256::of({&number, 1});
    const Patch patches[] = {wrap_at(kWrapAt)};
    const std::uint64_t before = counters_.now().image_heads_hashed;
    EXPECT_TRUE(digests_.digest_of(image, file_, patches));
    return counters_.now().image_heads_hashed - before;  // heads read
  };
  for (std::uint8_t i = 0; i < ViewDigests::kMostKept; ++i) EXPECT_EQ(use(i), 1U);
  EXPECT_EQ(use(0), 0U);
  EXPECT_EQ(use(200), 1U);  // in the place of 1
  EXPECT_EQ(use(0), 0U);
  EXPECT_EQ(use(2), 0U);
  EXPECT_EQ(use(1), 1U);
}

TEST_F(Views, ManyThreadsReadTheHeadOnce) {
  std::vector<std::jthread> children;
  std::atomic<unsigned> good{0};
  for (int i = 0; i < 16; ++i) {
    children.emplace_back([&] {
      const Patch patches[] = {wrap_at(kWrapAt)};
      const auto digest = digests_.digest_of(image_, file_, patches);
      if (digest && *digest == Sha256::of(patched(bytes_, patches))) ++good;
    });
  }
  children.clear();
  EXPECT_EQ(good, 16U);
  EXPECT_EQ(counters_.now().image_heads_hashed, 1U);
}

struct BadOverlay {
  const char* name;
  std::vector<Patch> patches;
  const char* refusal;
};

class BadOverlays : public testing::TestWithParam<BadOverlay> {};

TEST_P(BadOverlays, AreRefusedByName) {
  const Bytes bytes(1000);
  const CountingSource file(bytes);
  ports::Counters counters;
  const auto refused = ViewDigests(counters).digest_of(Sha256::of(bytes), file, GetParam().patches);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (Error{Errc::invalid, GetParam().refusal}));
  EXPECT_EQ(file.read, 0U);
}

const BadOverlay kBadOverlays[] = {
    {"a_byte_too_far",
     {{888, Bytes(113)}},
     "overlay beyond the end of the file, which has 1000 bytes: 113 bytes at offset 888"},
    {"at_the_end", {{1000, {1}}}, "overlay beyond the end of the file, which has 1000 bytes: 1 bytes at offset 1000"},
    {"far_away",
     {{~std::uint64_t{0}, Bytes(2)}},
     "overlay beyond the end of the file, which has 1000 bytes: 2 bytes at offset 18446744073709551615"},
    {"the_second_one",
     {{1, {1}}, {999, Bytes(2)}},
     "overlay beyond the end of the file, which has 1000 bytes: 2 bytes at offset 999"},
    {"descending", {{10, {1}}, {5, {1}}}, "overlay out of order, or over another one: 1 bytes at offset 5"},
    {"overlapping", {{10, Bytes(5)}, {14, {1}}}, "overlay out of order, or over another one: 1 bytes at offset 14"},
    {"empty", {{10, {}}}, "overlay without bytes: 0 bytes at offset 10"},
    {"too_many", std::vector<Patch>(9), "overlay of more than 8 patches"},
    {"too_long_over_a_small_file",
     {{0, Bytes(4097)}},
     "overlay beyond the end of the file, which has 1000 bytes: 4097 bytes at offset 0"},
};
INSTANTIATE_TEST_SUITE_P(Views, BadOverlays, testing::ValuesIn(kBadOverlays),
                         [](const auto& row) { return row.param.name; });

TEST(Overlays, HaveABoundOfBytes) {
  EXPECT_TRUE(check_patches(std::vector<Patch>{{0, Bytes(4000)}, {5000, Bytes(96)}}, 10000));
  EXPECT_EQ(check_patches(std::vector<Patch>{{0, Bytes(4000)}, {5000, Bytes(97)}}, 10000).error().message,
            "overlay of more than 4096 bytes");
}

// ------------------------------------------------------------------------------------------------ delivery records

cose::Encrypted read(ByteView message) {
  cbor::Reader reader(message);
  auto encrypted = cose::read_encrypted(reader);
  EXPECT_TRUE(encrypted) << encrypted.error().message;
  EXPECT_TRUE(reader.at_end());
  return encrypted.value();
}

/// The content that `info` is of, as a child with `record` decrypts it.
Bytes decrypted(const Bytes& record, const auto& child, ByteView ciphertext) {
  const cose::Encrypted message = read(record);
  return decrypt(message, unwrap(message, child).value(), ciphertext).value();
}

Bytes encrypted(const cose::Encrypted& message, const ContentKey& key, ByteView plaintext) {
  Bytes ciphertext;
  const Sink sink = [&](ByteView piece) -> Result<void> {
    ciphertext.insert(ciphertext.end(), piece.begin(), piece.end());
    return {};
  };
  Encryptor encryptor = Encryptor::start(message, key).value();
  EXPECT_TRUE(encryptor.update(plaintext, sink));
  EXPECT_TRUE(encryptor.finish(sink));
  return ciphertext;
}

class Records : public testing::TestWithParam<std::int64_t> {
 protected:
  Records() {
    const WrapKey gateway = WrapKey::from_bytes("gateway", random_bytes(16)).value();
    const Bytes recipients[] = {wrap(content_, gateway).value(), wrap(content_, gateway).value()};
    info_ = cose::write_encrypted(GetParam(), random_bytes(GetParam() < 0 ? 16 : 12), recipients);
  }

  const ContentKey content_ = ContentKey::generate(GetParam()).value();
  Bytes info_;
};

TEST_P(Records, HaveTheChildAloneAndOpenWhatTheAuthorEncrypted) {
  const cose::Encrypted info = read(info_);
  const Bytes plaintext = random_bytes(1000);
  const Bytes ciphertext = encrypted(info, content_, plaintext);
  for (const char* type : {"P-256", "X25519"}) {
    const Owned<EVP_PKEY> pair = make_key(type);
    const AgreementKey child = AgreementKey::from_pem(private_pem_of(pair.get())).value();
    const RecipientKey recipient = RecipientKey::from_pem(public_pem_of(pair.get())).value();
    const Bytes record = make_delivery_record(info, content_, recipient).value();
    EXPECT_LE(record.size(), core::kMaxRecordBytes);
    const cose::Encrypted made = read(record);
    EXPECT_EQ(made.recipients.size(), 1U);
    EXPECT_EQ(made.algorithm, info.algorithm);
    EXPECT_THAT(made.iv, ElementsAreArray(info.iv));
    EXPECT_EQ(cose::additional_data(made), cose::additional_data(info));
    EXPECT_FALSE(made.ciphertext);
    EXPECT_EQ(decrypted(record, child, ciphertext), plaintext);
    const AgreementKey other = AgreementKey::from_pem(private_pem_of(make_key(type).get())).value();
    EXPECT_EQ(unwrap(made, other).error().code, Errc::unauthenticated);
  }
  for (const std::size_t size : {16U, 24U, 32U}) {
    const WrapKey child = WrapKey::from_bytes("child", random_bytes(size)).value();
    EXPECT_EQ(decrypted(make_delivery_record(info, content_, child).value(), child, ciphertext), plaintext);
  }
}

TEST_P(Records, KeepTheAuthorsProtectedHeaderByteForByte) {
  if (GetParam() < 0) return;  // AES-CTR has none
  Bytes header;
  cbor::Writer(header).map(3).integer(1).integer(GetParam()).integer(5).bytes(Bytes(12, 9)).text("note").text("x");
  const WrapKey child = WrapKey::from_bytes("child", random_bytes(16)).value();
  Bytes info;
  cbor::Writer(info).tag(96).array(4).bytes(header).map(0).null().array(1).encoded(wrap(content_, child).value());
  const cose::Encrypted message = read(info);
  const Bytes record = make_delivery_record(message, content_, child).value();
  const cose::Encrypted made = read(record);
  EXPECT_THAT(made.protected_header, ElementsAreArray(header));
  EXPECT_THAT(made.iv, ElementsAreArray(Bytes(12, 9)));
}

TEST_P(Records, TakeNoContentKeyOfAnotherSize) {
  const WrapKey child = WrapKey::from_bytes("child", random_bytes(16)).value();
  const ContentKey odd{Secret(random_bytes(20))};
  const auto refused = make_delivery_record(read(info_), odd, child);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_THAT(refused.error().message, HasSubstr("delivery record: a content key of 20 bytes, "));
}

TEST_P(Records, AreNotLongerThanOneThatGoesToAChild) {
  const WrapKey child = WrapKey::from_bytes(std::string(1000, 'k'), random_bytes(16)).value();
  EXPECT_EQ(make_delivery_record(read(info_), content_, child).error().code, Errc::too_large);
}

INSTANTIATE_TEST_SUITE_P(Delivery, Records, testing::Values(1, 2, 3, 24, -65534, -65533, -65532), [](const auto& row) {
  return row.param < 0 ? "ctr" + std::to_string(row.param + 65535) : "aead" + std::to_string(row.param);
});

}  // namespace
}  // namespace hg::crypto
