// SPDX-License-Identifier: Apache-2.0
// MCUboot images: those that imgtool made (tests/vectors/mcuboot), damaged ones, and each field bent alone.
#include "images/mcuboot.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "adapters/crypto/hashes.hpp"

namespace hg::images {
namespace {

using testing::HasSubstr;

const HashingWith<crypto::Sha2> kHashing;

Bytes read_image(const std::string& name) {
  std::ifstream file(HEADGATE_SOURCE_DIR "/tests/vectors/mcuboot/" + name + ".bin", std::ios::binary);
  EXPECT_TRUE(file) << name;
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Result<McubootImage> inspect_bytes(ByteView bytes) {
  return inspect(MemorySource(bytes), kHashing);
}

struct Expectation {
  const char* file;
  const char* version;
  bool encrypted;
  bool has_content_key;
  bool payload_is_plain;
  bool has_trailer;
  const char* digest_start;
};

class Made : public testing::TestWithParam<Expectation> {};

TEST_P(Made, IsRead) {
  const auto image = inspect_bytes(read_image(GetParam().file));
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->version.text(), GetParam().version);
  EXPECT_EQ(image->encrypted, GetParam().encrypted);
  EXPECT_EQ(image->has_content_key, GetParam().has_content_key);
  EXPECT_EQ(image->payload_is_plain, GetParam().payload_is_plain);
  EXPECT_EQ(image->has_trailer, GetParam().has_trailer);
  EXPECT_EQ(image->header_size, 0x200U);
  EXPECT_THAT(image->digest.hex(), testing::StartsWith(GetParam().digest_start));
}

constexpr Expectation kMade[] = {
    {"app-1.0.0", "1.0.0", false, false, true, false, "1703948f1b2d"},
    {"app-1.1.0", "1.1.0", false, false, true, false, "1131a28d752b"},
    {"app-2.0.0", "2.0.0", false, false, true, false, "0b3f9b4cf949"},
    {"radio-1.0.0", "1.0.0", false, false, true, false, "1a72ccadfa4f"},
    {"radio-2.0.0", "2.0.0", false, false, true, false, "4768a9c9c3ba"},
    {"radio-2.0.0-needs-app-2", "2.0.0", false, false, true, false, "bbbd5dc547f4"},
    {"app-2.0.0-padded", "2.0.0", false, false, true, true, "ecb1fa1d8655"},
    {"app-1.0.0-clear", "1.0.0", true, true, true, false, "028a41aa4aad"},
    {"app-2.0.0-enc-p256-for-gateway", "2.0.0", true, true, false, false, "631357bee02f"},
    {"app-2.0.0-enc-p256-for-child1", "2.0.0", true, true, false, false, "631357bee02f"},
    {"app-2.0.0-enc-x25519-for-gateway", "2.0.0", true, true, false, false, "631357bee02f"},
    {"app-2.0.0-enc-p256-aes256-for-gateway", "2.0.0", true, true, false, false, "4587e6bc0c63"},
};
INSTANTIATE_TEST_SUITE_P(Mcuboot, Made, testing::ValuesIn(kMade), [](const auto& row) {
  std::string name(row.param.file);
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

TEST(Mcuboot, ProtectedEntriesAreRead) {
  const auto image = inspect_bytes(read_image("radio-2.0.0-needs-app-2")).value();
  EXPECT_EQ(image.security_counter, 7U);
  ASSERT_EQ(image.dependencies.size(), 1U);
  EXPECT_EQ(image.dependencies[0], (McubootDependency{0, {2, 0, 0, 0}}));
}

TEST(Mcuboot, AFileIsReadWhereItStands) {
  const std::string path = HEADGATE_SOURCE_DIR "/tests/vectors/mcuboot/app-1.0.0.bin";
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  EXPECT_EQ(inspect(FileSource(descriptor, 25239), kHashing)->version.text(), "1.0.0");
  const auto refused = inspect(FileSource(descriptor, 25240), kHashing);  // the file is a byte shorter than promised
  ASSERT_FALSE(refused);
  ::close(descriptor);
}

TEST(Mcuboot, EveryCutIsRefused) {
  const Bytes image = read_image("radio-2.0.0-needs-app-2");
  for (const std::size_t size : {std::size_t{0}, std::size_t{31}, std::size_t{32}, std::size_t{512}, std::size_t{20000},
                                 image.size() - 170, image.size() - 100, image.size() - 1}) {
    EXPECT_FALSE(inspect_bytes(ByteView(image).first(size))) << size;
  }
}

TEST(Mcuboot, DamagedFilesAreRefused) {
  EXPECT_EQ(inspect_bytes(read_image("app-1.1.0-flipped-payload-byte")).error().code, Errc::mismatch);
  EXPECT_EQ(inspect_bytes(read_image("app-1.1.0-truncated")).error().code, Errc::invalid);
}

TEST(Mcuboot, AVersionShowsItsBuildNumberIfItHasOne) {
  EXPECT_EQ((McubootVersion{1, 2, 3, 0}).text(), "1.2.3");
  EXPECT_EQ((McubootVersion{255, 255, 65535, 4294967295}).text(), "255.255.65535.4294967295");
}

// Offsets in app-1.0.0.bin.
constexpr std::size_t kTlvs = 25239 - (4 + 4 + 32 + 4 + 32 + 4 + 71);
constexpr std::size_t kFirstTlv = kTlvs + 4;

struct Bend {
  const char* name;
  void (*bend)(Bytes&);
  const char* refusal;
};

class Bent : public testing::TestWithParam<Bend> {};

TEST_P(Bent, IsRefused) {
  Bytes image = read_image("app-1.0.0");
  GetParam().bend(image);
  const auto refused = inspect_bytes(image);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(GetParam().refusal));
}

constexpr Bend kBends[] = {
    {"old_magic", [](Bytes& b) { b[0] = 0x3c; }, "before 1.0"},
    {"erased", [](Bytes& b) { std::fill(b.begin(), b.begin() + 32, std::uint8_t{0xff}); }, "erased flash"},
    {"other_magic", [](Bytes& b) { b[3] = 0; }, "wrong magic"},
    {"short_header", [](Bytes& b) { b[8] = 31, b[9] = 0; }, "shorter than 32 bytes"},
    {"huge_payload", [](Bytes& b) { std::fill(b.begin() + 12, b.begin() + 16, std::uint8_t{0xff}); }, "cut off"},
    {"protected_area_missing", [](Bytes& b) { b[10] = 8; }, "protected: wrong magic"},
    {"no_tlv_magic", [](Bytes& b) { b[kTlvs] = 0; }, "wrong magic"},
    {"tlv_area_too_small", [](Bytes& b) { b[kTlvs + 2] = 3, b[kTlvs + 3] = 0; }, "cut off"},
    {"tlv_area_too_long", [](Bytes& b) { b[kTlvs + 3] = 0x7f; }, "cut off"},
    {"entry_too_long", [](Bytes& b) { b[kFirstTlv + 3] = 0x7f; }, "an entry is cut off"},
    {"no_hash", [](Bytes& b) { b[kFirstTlv] = 0x0f; }, "no image hash"},
    {"hash_of_wrong_length", [](Bytes& b) { b[kFirstTlv] = 0x11; }, "wrong length"},
    {"two_hashes", [](Bytes& b) { b[kFirstTlv + 36] = 0x10; }, "more than one image hash"},
    {"wrong_hash", [](Bytes& b) { b[kFirstTlv + 4] ^= 1; }, "not what the image hash says"},
    {"wrong_header", [](Bytes& b) { b[24] ^= 1; }, "not what the image hash says"},
    {"encrypted_without_key", [](Bytes& b) { b[16] = 4; }, "ciphertext without a content key"},
    {"bytes_after_the_end", [](Bytes& b) { b.push_back(0xff); }, "bytes after the end"},
    {"padding_without_trailer", [](Bytes& b) { b.resize(b.size() + 4096, 0xff); }, "no slot trailer"},
};
INSTANTIATE_TEST_SUITE_P(Mcuboot, Bent, testing::ValuesIn(kBends), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace hg::images
