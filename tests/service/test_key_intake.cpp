// SPDX-License-Identifier: Apache-2.0
// How content keys come in and go out again, with the real key safe: a clear image is kept as ciphertext only, one that
// was encrypted for this gateway is opened, and another child costs a key wrap and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "adapters/crypto/hashes.hpp"
#include "adapters/inspection/image_inspector.hpp"
#include "fakes/memory_blobs.hpp"
#include "fakes/memory_catalogue.hpp"
#include "fakes/on_loop.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/virtual_clock.hpp"
#include "service/key_intake.hpp"
#include "service/real_safe.hpp"
#include "service/virtual_gateway.hpp"

namespace hg::service::test {
namespace {

Bytes mcuboot(const std::string& name) {
  return read_file(std::string(HEADGATE_SOURCE_DIR) + "/tests/vectors/mcuboot/" + name);
}

class KeyIntakeTest : public ::testing::Test {
 protected:
  /// Seals the bytes and takes them in as admission does.
  Result<KeyIntake::Taken> take_in(const Bytes& bytes, KeyIntake& intake) {
    core::Image image;
    image.component = "app";
    image.digest = crypto::Sha256::of(bytes);
    image.size = bytes.size();
    auto into = blobs_.receive(image.digest, image.size).value();
    EXPECT_TRUE(into->append(bytes));
    EXPECT_TRUE(fakes::on_loop(loop_, into->seal()));
    auto facts = fakes::on_loop(loop_, inspector_.inspect(blobs_.open(image.digest).value(), image.size)).value();
    return fakes::on_loop(loop_, intake.take_in(std::move(image), std::move(facts), {}));
  }
  Result<KeyIntake::Taken> take_in(const std::string& name) {
    KeyIntake intake(driver_, blobs_, journal_, safe_.get());
    return take_in(mcuboot(name), intake);
  }

  boost::asio::io_context loop_{1};
  fakes::VirtualClock clock_;
  fakes::MemoryCatalogue catalogue_{&clock_, Duration{0}};
  fakes::MemoryBlobs blobs_;
  fakes::RecordingJournal journal_;
  Driver driver_{loop_.get_executor(), catalogue_, clock_, journal_};
  Safe safe_;
  inspection::ImageInspector inspector_{safe_.counters};
};

TEST_F(KeyIntakeTest, AnImageForThisGatewayIsOpened) {
  for (const char* name : {"app-2.0.0-enc-p256-for-gateway.bin", "app-2.0.0-enc-p256-aes256-for-gateway.bin"}) {
    const auto taken = take_in(name);
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_TRUE(taken->image.encrypted);
    EXPECT_EQ(taken->image.sealing->wrap, core::Wrap::ec256);
    ASSERT_TRUE(taken->key);
    EXPECT_EQ(taken->key->image, taken->image.digest);
    EXPECT_EQ(taken->key->plaintext, taken->image.running_digest);
  }
}

TEST_F(KeyIntakeTest, AnImageForSomebodyElseIsPassedOnAndNamed) {
  const auto taken = take_in("app-2.0.0-enc-p256-for-child1.bin");
  ASSERT_TRUE(taken);
  EXPECT_TRUE(taken->image.encrypted);
  EXPECT_FALSE(taken->key);
  EXPECT_EQ(journal_.count("content key does not open here"), 1U);
}

TEST_F(KeyIntakeTest, AClearImageIsKeptAsCiphertextOnly) {
  const Bytes clear = mcuboot("app-1.0.0-clear.bin");
  const auto taken = take_in("app-1.0.0-clear.bin");
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_TRUE(taken->image.encrypted);
  EXPECT_TRUE(taken->key);
  EXPECT_FALSE(blobs_.has(crypto::Sha256::of(clear)));
  ASSERT_TRUE(blobs_.has(taken->image.digest));
  Bytes kept(taken->image.size);
  const UniqueFd file = blobs_.open(taken->image.digest).value();
  ASSERT_EQ(::pread(file.get(), kept.data(), kept.size(), 0), static_cast<ssize_t>(kept.size()));
  constexpr std::size_t kHead = 0x200;
  EXPECT_TRUE(std::ranges::equal(ByteView(kept).first(kHead), ByteView(clear).first(kHead)));
  EXPECT_FALSE(std::ranges::equal(ByteView(kept).subspan(kHead, 64), ByteView(clear).subspan(kHead, 64)));
}

TEST_F(KeyIntakeTest, TwoClearImagesHaveTwoKeys) {
  const auto first = take_in("app-1.0.0-clear.bin");
  const auto second = take_in("app-1.0.0-clear.bin");
  EXPECT_NE(first->key->fingerprint, second->key->fingerprint);
  EXPECT_NE(first->image.digest, second->image.digest);
}

TEST_F(KeyIntakeTest, WithoutAKeyOfItsOwnAGatewayOpensAndEncryptsNothing) {
  KeyIntake without(driver_, blobs_, journal_, nullptr);
  const auto encrypted = take_in(mcuboot("app-2.0.0-enc-p256-for-gateway.bin"), without);
  EXPECT_TRUE(encrypted->image.encrypted);
  EXPECT_FALSE(encrypted->key);
  const auto clear = take_in(mcuboot("app-1.0.0-clear.bin"), without);
  EXPECT_FALSE(clear->image.encrypted);
  EXPECT_FALSE(clear->key);
}

TEST_F(KeyIntakeTest, APayloadThatTheKeyDoesNotDecryptToWhatWasSignedIsRefused) {
  Bytes damaged = mcuboot("app-2.0.0-enc-p256-for-gateway.bin");
  damaged[0x200 + 100] ^= 1;
  KeyIntake intake(driver_, blobs_, journal_, safe_.get());
  const auto taken = take_in(damaged, intake);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::mismatch);
}

}  // namespace
}  // namespace hg::service::test
