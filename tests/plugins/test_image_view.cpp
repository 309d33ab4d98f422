// SPDX-License-Identifier: Apache-2.0
// What a child gets is the shared file with its own patches laid over it, wherever a read begins and ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "sdk/image_view.hpp"
#include "smp/packet.hpp"
#include "smp/upload_request.hpp"

namespace hg {
namespace {

constexpr std::size_t kSize = 1000;

Bytes content() {
  Bytes bytes(kSize);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

UniqueFd file() {
  UniqueFd memory(::memfd_create("image", MFD_CLOEXEC));
  const Bytes bytes = content();
  EXPECT_EQ(::write(memory.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return memory;
}

struct Overlay {
  const char* name;
  std::vector<wire::Patch> patches;
};

class ImageViews : public testing::TestWithParam<Overlay> {
 protected:
  /// The whole file as the child gets it, made without the view.
  static Bytes expected() {
    Bytes bytes = content();
    for (const wire::Patch& patch : GetParam().patches)
      std::ranges::copy(patch.bytes, bytes.begin() + static_cast<std::ptrdiff_t>(patch.offset));
    return bytes;
  }
  plugin::ImageView view_{file(), GetParam().patches};
};

TEST_P(ImageViews, ReadTheSameWhateverThePiece) {
  ASSERT_TRUE(wire::check_patches(GetParam().patches, kSize));
  for (std::size_t piece : {1, 2, 3, 7, 64, 113, 999, 1000}) {
    Bytes all;
    for (std::size_t offset = 0; offset < kSize; offset += piece) {
      Bytes part(std::min(piece, kSize - offset));
      ASSERT_TRUE(view_.read(offset, part));
      all.insert(all.end(), part.begin(), part.end());
    }
    EXPECT_EQ(all, expected()) << "in pieces of " << piece;
  }
}

TEST_P(ImageViews, ReadTheSameFromEachOffset) {
  const Bytes whole = expected();
  for (std::size_t offset = 0; offset < kSize; ++offset) {
    Bytes part(std::min<std::size_t>(40, kSize - offset));
    ASSERT_TRUE(view_.read(offset, part));
    EXPECT_TRUE(std::ranges::equal(part, ByteView(whole).subspan(offset, part.size()))) << offset;
  }
}

TEST_P(ImageViews, GoIntoUploadRequestsOfAnySize) {
  const Bytes whole = expected();
  for (const std::size_t limit : {80U, 128U, 252U, 1024U}) {
    const smp::UploadSource source{view_, kSize, *Digest::from_bytes(Bytes(32, 1)), 0, false};
    Bytes all;
    while (all.size() < kSize) {
      Bytes packet;
      const auto carried = smp::fill_upload_request(source, all.size(), limit, 4, packet);
      ASSERT_TRUE(carried) << carried.error().message;
      all.insert(all.end(), packet.end() - static_cast<std::ptrdiff_t>(*carried), packet.end());
    }
    EXPECT_EQ(all, whole) << "in packets of " << limit;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, ImageViews,
    testing::Values(
        Overlay{"Nothing", {}}, Overlay{"AtTheBeginning", {{0, Bytes(5, 0xEE)}}},
        Overlay{"AtTheVeryEnd", {{kSize - 1, {0xEE}}}}, Overlay{"UpToTheEnd", {{kSize - 113, Bytes(113, 0xEE)}}},
        Overlay{"InTheMiddle", {{500, Bytes(113, 0xEE)}}},
        Overlay{"SideBySide", {{100, Bytes(50, 0xEE)}, {150, Bytes(50, 0xDD)}}},
        Overlay{"ManyOfOneByte",
                {{0, {0xE0}}, {1, {0xE1}}, {3, {0xE3}}, {63, {0xE4}}, {64, {0xE5}}, {127, {0xE6}}, {999, {0xE7}}}},
        Overlay{"Everything", {{0, Bytes(kSize, 0xEE)}}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ImageView, AFileThatEndsEarlyIsSaidSo) {
  const plugin::ImageView view(file(), {{kSize - 1, {0xEE}}});
  Bytes part(10);
  const auto read = view.read(kSize - 5, part);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::io);
  EXPECT_THAT(read.error().message, testing::HasSubstr("shorter than announced"));
  EXPECT_FALSE(view.read(kSize + 5, part));
}

TEST(ImageView, AFileThatCannotBeReadIsSaidSo) {
  Bytes part(10);
  const auto read = plugin::ImageView(UniqueFd()).read(0, part);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, testing::HasSubstr("read the image"));
}

TEST(ImageView, ACopyOutlivesTheFirst) {
  auto first = std::make_unique<plugin::ImageView>(file(), std::vector<wire::Patch>{{1, {0xEE}}});
  const plugin::ImageView copy = *first;
  first.reset();
  Bytes part(3);
  ASSERT_TRUE(copy.read(0, part));
  EXPECT_EQ(part, (Bytes{0, 0xEE, 2}));
}

}  // namespace
}  // namespace hg
