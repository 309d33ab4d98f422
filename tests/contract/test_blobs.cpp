// SPDX-License-Identifier: Apache-2.0
// What every Blobs promises, asked of the one in memory and of the one in a directory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <memory>

#include "adapters/storage/directory_blobs.hpp"
#include "fakes/memory_blobs.hpp"
#include "fakes/on_loop.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg {
namespace {

using fakes::on_loop;
using fakes::sha256_of;

constexpr std::uint64_t kLimit = 1000;

class InMemory {
 public:
  ports::Blobs& blobs() { return *memory_; }
  void close() { memory_.reset(); }

 private:
  std::unique_ptr<fakes::MemoryBlobs> memory_ = std::make_unique<fakes::MemoryBlobs>(kLimit);
};

class InDirectory {
 public:
  InDirectory() : blobs_(storage::DirectoryBlobs::open(directory_.path(), kLimit).value()) {}
  ports::Blobs& blobs() { return *blobs_; }
  void close() { blobs_.reset(); }

 private:
  fakes::TemporaryDirectory directory_;
  std::unique_ptr<storage::DirectoryBlobs> blobs_;
};

Bytes content_of(int fd) {
  Bytes content(2 * kLimit);
  const ssize_t size = ::pread(fd, content.data(), content.size(), 0);
  content.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return content;
}

template <class Kind>
class Blobs : public ::testing::Test {
 protected:
  ports::Blobs& blobs() { return kind_.blobs(); }
  Result<void> seal(ports::Intake& intake) { return on_loop(loop_, intake.seal()); }
  std::unique_ptr<ports::Intake> receive(const Bytes& bytes) {
    return blobs().receive(sha256_of(bytes), bytes.size()).value();
  }

  boost::asio::io_context loop_;
  Kind kind_;
};

using Kinds = ::testing::Types<InMemory, InDirectory>;
TYPED_TEST_SUITE(Blobs, Kinds);

TYPED_TEST(Blobs, WhatWasSealedIsThere) {
  const Bytes bytes(600, 7);
  const Digest digest = sha256_of(bytes);
  EXPECT_FALSE(this->blobs().has(digest));
  EXPECT_EQ(this->blobs().open(digest).error().code, Errc::not_found);
  auto intake = this->receive(bytes);
  ASSERT_TRUE(intake->append(ByteView(bytes).first(200)));
  ASSERT_TRUE(intake->append({}));
  ASSERT_TRUE(intake->append(ByteView(bytes).subspan(200)));
  EXPECT_EQ(intake->received(), 600U);
  EXPECT_EQ(content_of(intake->descriptor()), bytes);
  EXPECT_FALSE(this->blobs().has(digest));
  ASSERT_TRUE(this->seal(*intake));
  intake.reset();
  EXPECT_TRUE(this->blobs().has(digest));
  EXPECT_EQ(this->blobs().used(), 600U);
  EXPECT_EQ(this->blobs().limit(), kLimit);
  const auto file = this->blobs().open(digest);
  ASSERT_TRUE(file);
  EXPECT_EQ(content_of(file->get()), bytes);
  EXPECT_EQ(::fcntl(file->get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_NE(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TYPED_TEST(Blobs, AWrongDigestIsNotSealed) {
  const Bytes bytes(600, 7);
  Bytes others = bytes;
  others.back() ^= 1U;
  auto intake = this->receive(bytes);
  ASSERT_TRUE(intake->append(others));
  EXPECT_EQ(this->seal(*intake).error().code, Errc::mismatch);
  intake.reset();
  EXPECT_FALSE(this->blobs().has(sha256_of(bytes)));
  EXPECT_FALSE(this->blobs().has(sha256_of(others)));
  EXPECT_EQ(this->blobs().used(), 0U);
}

TYPED_TEST(Blobs, FewerBytesAreNotSealed) {
  const Bytes bytes(600, 7);
  auto intake = this->receive(bytes);
  ASSERT_TRUE(intake->append(ByteView(bytes).first(599)));
  EXPECT_EQ(this->seal(*intake).error().code, Errc::mismatch);
}

TYPED_TEST(Blobs, MoreBytesAreRefusedAtOnce) {
  const Bytes bytes(600, 7);
  auto intake = this->receive(bytes);
  ASSERT_TRUE(intake->append(bytes));
  EXPECT_EQ(intake->append(Bytes(1)).error().code, Errc::too_large);
  EXPECT_EQ(intake->received(), 600U);
  EXPECT_TRUE(this->seal(*intake));
}

TYPED_TEST(Blobs, AFullStoreSaysSoBeforeTheFirstByte) {
  const Bytes first(600, 1);
  const Bytes second(401, 2);
  auto intake = this->receive(first);
  EXPECT_EQ(this->blobs().receive(sha256_of(second), second.size()).error().code, Errc::no_space) << "reserved";
  ASSERT_TRUE(intake->append(first));
  ASSERT_TRUE(this->seal(*intake));
  intake.reset();
  EXPECT_EQ(this->blobs().receive(sha256_of(second), second.size()).error().code, Errc::no_space) << "used";
  EXPECT_TRUE(this->blobs().receive(sha256_of(second), 400));
}

TYPED_TEST(Blobs, ADroppedIntakeGivesItsRoomBack) {
  const Bytes bytes(kLimit, 1);
  (void)this->receive(bytes)->append(ByteView(bytes).first(10));
  EXPECT_EQ(this->blobs().used(), 0U);
  auto intake = this->receive(bytes);
  ASSERT_TRUE(intake->append(bytes));
  EXPECT_TRUE(this->seal(*intake));
}

TYPED_TEST(Blobs, TwoIntakesOfOneDigestMayMeet) {
  const Bytes bytes(300, 3);
  auto one = this->receive(bytes);
  auto two = this->receive(bytes);
  ASSERT_TRUE(one->append(bytes));
  ASSERT_TRUE(two->append(bytes));
  ASSERT_TRUE(this->seal(*one));
  const auto before = this->blobs().open(sha256_of(bytes));
  ASSERT_TRUE(this->seal(*two));
  one.reset();
  two.reset();
  EXPECT_EQ(this->blobs().used(), 300U);
  EXPECT_EQ(content_of(before->get()), bytes);
  EXPECT_EQ(content_of(this->blobs().open(sha256_of(bytes))->get()), bytes);
}

TYPED_TEST(Blobs, WhatIsRemovedIsGoneButForThoseWhoHaveIt) {
  const Bytes bytes(600, 7);
  const Digest digest = sha256_of(bytes);
  EXPECT_TRUE(this->blobs().remove(digest)) << "gone already";
  auto intake = this->receive(bytes);
  ASSERT_TRUE(intake->append(bytes));
  ASSERT_TRUE(this->seal(*intake));
  intake.reset();
  const auto reader = this->blobs().open(digest);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(this->blobs().remove(digest));
  EXPECT_FALSE(this->blobs().has(digest));
  EXPECT_EQ(this->blobs().used(), 0U) << "its room is given back";
  EXPECT_EQ(content_of(reader->get()), bytes);
  intake = this->receive(bytes);  // and it may come again
  ASSERT_TRUE(intake->append(bytes));
  ASSERT_TRUE(this->seal(*intake));
  EXPECT_EQ(this->blobs().used(), 600U);
}

TYPED_TEST(Blobs, AnEmptyImageIsAnImage) {
  const Bytes none;
  auto intake = this->receive(none);
  ASSERT_TRUE(this->seal(*intake));
  EXPECT_TRUE(this->blobs().has(sha256_of(none)));
}

TYPED_TEST(Blobs, AnIntakeMayOutliveTheStore) {
  const Bytes bytes(300, 3);
  auto intake = this->receive(bytes);
  ASSERT_TRUE(intake->append(bytes));
  this->kind_.close();
  intake.reset();
}

}  // namespace
}  // namespace hg
