// SPDX-License-Identifier: Apache-2.0
// The image store on a real file system: what stands where, with which mode, what is left over, and a full disk.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "adapters/crypto/hashes.hpp"
#include "adapters/storage/directory_blobs.hpp"
#include "fakes/memory_blobs.hpp"
#include "fakes/on_loop.hpp"
#include "fakes/small_disk.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg {
namespace {

namespace fs = std::filesystem;
using fakes::sha256_of;
using storage::DirectoryBlobs;

constexpr std::uint64_t kLimit = 1ULL << 30;

std::size_t entries(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator{}));
}

/// Resident bytes of this process.
std::uint64_t resident() {
  std::uint64_t total = 0;
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> total >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

Digest sha256_of_repeated(const Bytes& piece, std::uint64_t times) {
  crypto::Sha256 hash;
  for (std::uint64_t n = 0; n < times; ++n) hash.update(piece);
  return hash.finish();
}

class Blobs : public ::testing::Test {
 protected:
  Result<std::unique_ptr<DirectoryBlobs>> open() { return DirectoryBlobs::open(directory_.path(), kLimit); }
  [[nodiscard]] fs::path incoming() const { return directory_.path() / "blobs/incoming"; }
  [[nodiscard]] fs::path sealed() const { return directory_.path() / "blobs/sha256"; }

  void put(DirectoryBlobs& blobs, const Bytes& bytes) {
    auto intake = blobs.receive(sha256_of(bytes), bytes.size()).value();
    ASSERT_TRUE(intake->append(bytes));
    ASSERT_TRUE(fakes::on_loop(loop_, intake->seal()));
  }

  boost::asio::io_context loop_;
  fakes::TemporaryDirectory directory_;
};

TEST_F(Blobs, ASealedImageStandsUnderItsDigestReadOnly) {
  auto blobs = open().value();
  const Bytes bytes(100'000, 1);
  put(*blobs, bytes);
  struct stat there {};
  ASSERT_EQ(::stat((sealed() / sha256_of(bytes).hex()).c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 07777U, 0440U);
  EXPECT_EQ(there.st_nlink, 1U);
  EXPECT_EQ(there.st_size, 100'000);
  EXPECT_EQ(entries(incoming()), 0U);
  EXPECT_EQ(::stat(sealed().c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 07U, 0U);
}

TEST_F(Blobs, ARestartCountsWhatIsThereAndRemovesLeftovers) {
  const Bytes bytes(5'000, 1);
  {
    auto blobs = open().value();
    put(*blobs, bytes);
  }
  std::ofstream(incoming() / "abc.1") << "half an image";
  std::ofstream(sealed() / "README") << "not an image";
  fs::create_symlink("/etc/passwd", sealed() / std::string(64, 'a'));
  auto blobs = open().value();
  EXPECT_EQ(entries(incoming()), 0U);
  EXPECT_EQ(blobs->used(), 5'000U);
  EXPECT_TRUE(blobs->has(sha256_of(bytes)));
  const Digest linked = *Digest::from_text(std::string(64, 'a'));
  EXPECT_FALSE(blobs->has(linked));
  EXPECT_EQ(blobs->open(linked).error().code, Errc::not_found);
}

TEST_F(Blobs, ADroppedOrWrongIntakeLeavesNothing) {
  auto blobs = open().value();
  const Bytes bytes(5'000, 1);
  auto dropped = blobs->receive(sha256_of(bytes), bytes.size()).value();
  ASSERT_TRUE(dropped->append(bytes));
  auto wrong = blobs->receive(sha256_of(bytes), bytes.size()).value();
  ASSERT_TRUE(wrong->append(Bytes(5'000, 2)));
  EXPECT_EQ(entries(incoming()), 2U);
  const auto refused = fakes::on_loop(loop_, wrong->seal());
  EXPECT_EQ(refused.error().code, Errc::mismatch);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr(sha256_of(Bytes(5'000, 2)).hex()));
  dropped.reset();
  wrong.reset();
  EXPECT_EQ(entries(incoming()), 0U);
  EXPECT_EQ(entries(sealed()), 0U);
}

TEST_F(Blobs, OnlySha256NamesAnImage) {
  auto blobs = open().value();
  EXPECT_EQ(blobs->receive(*Digest::from_bytes(Bytes(64, 1)), 10).error().code, Errc::invalid);
  EXPECT_EQ(blobs->receive(Digest{}, 10).error().code, Errc::invalid);
  EXPECT_FALSE(blobs->has(Digest{}));
}

TEST_F(Blobs, AFullDiskIsAnsweredBeforeTheFirstByte) {
  const fakes::SmallDisk disk(4 << 20);
  if (!disk.is_there()) GTEST_SKIP() << "no mount namespace here";
  auto blobs = DirectoryBlobs::open(disk.path(), kLimit).value();
  const Bytes bytes(8 << 20, 1);
  const auto refused = blobs->receive(sha256_of(bytes), bytes.size());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::no_space) << refused.error().message;
  EXPECT_EQ(entries(disk.path() / "blobs/incoming"), 0U);

  // What was allocated is there although the disk fills up in between.
  const Bytes fitting(1 << 20, 2);
  auto intake = blobs->receive(sha256_of(fitting), fitting.size()).value();
  disk.fill();
  ASSERT_TRUE(intake->append(fitting));
  EXPECT_TRUE(fakes::on_loop(loop_, intake->seal()));
}

TEST_F(Blobs, MemoryDoesNotGrowWithTheImage) {
  auto blobs = open().value();
  constexpr std::uint64_t kSize = 64 << 20;
  const Bytes piece(16 << 10, 9);
  auto intake = blobs->receive(sha256_of_repeated(piece, kSize / piece.size()), kSize).value();
  ASSERT_TRUE(intake->append(piece));
  const std::uint64_t before = resident();
  while (intake->received() < kSize) ASSERT_TRUE(intake->append(piece));
  ASSERT_TRUE(fakes::on_loop(loop_, intake->seal()));
  EXPECT_LT(resident(), before + (4U << 20));
}

}  // namespace
}  // namespace hg
