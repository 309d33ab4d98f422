// SPDX-License-Identifier: Apache-2.0
// The file of the store key over restarts, damage and another gateway: a key that does not open is never lost, and
// whoever holds the file alone has nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "safe_samples.hpp"

namespace hg::crypto {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

std::string new_pem(const std::string& type = "P-256") {
  return private_pem_of(make_key(type).get());
}

void write_file(const fs::path& path, ByteView bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

TEST(StoreKey, IsMadeOnceAndKept) {
  for (const std::string type : {"P-256", "P-384", "X25519"}) {
    SCOPED_TRACE(type);
    SampleGateway gateway(new_pem(type));
    EXPECT_TRUE(gateway.opened().has_new_store_key);
    EXPECT_EQ(gateway.opened().moved_aside, "");
    const Bytes file = read_file(gateway.state() / "store-key");
    gateway.restart();
    EXPECT_FALSE(gateway.opened().has_new_store_key);
    EXPECT_EQ(read_file(gateway.state() / "store-key"), file);
    struct stat there {};
    ASSERT_EQ(::stat((gateway.state() / "store-key").c_str(), &there), 0);
    EXPECT_EQ(there.st_mode & 0777U, 0600U);
  }
}

TEST(StoreKey, IsAnEcdhEsA256KwMessageForTheGatewaysKey) {
  SampleGateway gateway(new_pem());
  const Bytes file = read_file(gateway.state() / "store-key");
  cbor::Reader reader(file);
  const auto message = cose::read_encrypted(reader).value();
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(message.algorithm, 3);
  ASSERT_EQ(message.recipients.size(), 1U);
  EXPECT_EQ(message.recipients[0].algorithm, -31);
  EXPECT_EQ(to_hex(message.recipients[0].key_id), gateway.safe().gateway().hex());
}

TEST(StoreKey, OfAnotherGatewayIsMovedAsideAndNotLost) {
  const std::string first = new_pem();
  SampleGateway gateway(first);
  const std::string owner = gateway.safe().gateway().hex().substr(0, 16);
  const Bytes file = read_file(gateway.state() / "store-key");
  gateway.restart_with(new_pem());
  EXPECT_TRUE(gateway.opened().has_new_store_key);
  EXPECT_EQ(gateway.opened().moved_aside, gateway.state() / ("store-key.lost-" + owner));
  EXPECT_EQ(read_file(gateway.opened().moved_aside), file);
  gateway.restart();
  EXPECT_FALSE(gateway.opened().has_new_store_key);

  // The old key comes back, and with it its file.
  fs::rename(gateway.state() / "store-key", gateway.state() / "of-the-other");
  fs::rename(gateway.state() / ("store-key.lost-" + owner), gateway.state() / "store-key");
  gateway.restart_with(first);
  EXPECT_FALSE(gateway.opened().has_new_store_key);
}

TEST(StoreKey, ThatIsDamagedIsMovedAsideAndEachOfTheseIsKept) {
  SampleGateway gateway(new_pem());
  const fs::path path = gateway.state() / "store-key";
  const Bytes sound = read_file(path);
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, sound.size() / 2, sound.size() - 1}) {
    write_file(path, ByteView(sound).first(size));
    gateway.restart();
    EXPECT_TRUE(gateway.opened().has_new_store_key) << size;
    EXPECT_EQ(read_file(gateway.opened().moved_aside).size(), size);
    EXPECT_THAT(gateway.opened().moved_aside.filename().string(), StartsWith("store-key.lost-unknown"));
  }
  std::size_t lost = 0;
  for (std::size_t at = 0; at < sound.size(); at += 7) {
    Bytes damaged = sound;
    damaged[at] ^= 1;
    write_file(path, damaged);
    gateway.restart();
    if (!gateway.opened().has_new_store_key) continue;  // the kid or the IV, which the key does not hang on
    ++lost;
    EXPECT_EQ(read_file(gateway.opened().moved_aside), damaged);
  }
  EXPECT_GT(lost, sound.size() / 7 / 2);
}

TEST(StoreKey, WhatAStartThatWasCutOffLeftBehindIsNoMatter) {
  SampleGateway gateway(new_pem());
  const Bytes file = read_file(gateway.state() / "store-key");
  write_file(gateway.state() / "store-key.new", Bytes{1, 2, 3});
  gateway.restart();
  EXPECT_EQ(read_file(gateway.state() / "store-key"), file);
  fs::remove(gateway.state() / "store-key");
  write_file(gateway.state() / "store-key.new", Bytes{1, 2, 3});
  gateway.restart();
  EXPECT_TRUE(gateway.opened().has_new_store_key);
  EXPECT_FALSE(fs::exists(gateway.state() / "store-key.new"));
}

TEST(StoreKey, ADirectoryThatCannotBeWrittenIsSaid) {
  SampleGateway gateway(new_pem());
  fs::remove(gateway.state() / "store-key");
  fs::create_directory(gateway.state() / "store-key");
  const auto opened = gateway.open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("store-key"));
}

}  // namespace
}  // namespace hg::crypto
