// SPDX-License-Identifier: Apache-2.0
// MCUboot images: those that imgtool made (tests/vectors/mcuboot), and the same spoiled, each by one rule.
#include "images/mcuboot.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "adapters/crypto/hashes.hpp"
#include "core/mcuboot_spoiling.hpp"

namespace hg::images {
namespace {

using testing::ElementsAre;

const HashingWith<crypto::Sha2> kHashing;

Bytes read_image(const std::string& name) {
  std::ifstream file(HEADGATE_SOURCE_DIR "/tests/vectors/mcuboot/" + name + ".bin", std::ios::binary);
  EXPECT_TRUE(file) << name;
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Result<McubootImage> inspect_bytes(ByteView bytes) {
  return inspect(MemorySource(bytes), kHashing);
}

std::string as_name(std::string text) {
  for (char& c : text) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return text;
}

// ------------------------------------------------------------------------------------------- what imgtool made

constexpr auto kAes128 = ContentCipher::aes128_ctr;
constexpr auto kAes256 = ContentCipher::aes256_ctr;

struct Expectation {
  const char* file;
  const char* version;
  const char* digest_start;
  std::optional<ContentCipher> cipher;
  std::optional<ContentKey> content_key;
  bool payload_is_plain = true;
  bool padded = false;
  SignatureKind signature = SignatureKind::ecdsa;
};

class Made : public testing::TestWithParam<Expectation> {};

TEST_P(Made, IsRead) {
  const auto image = inspect_bytes(read_image(GetParam().file));
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->version.text(), GetParam().version);
  EXPECT_THAT(image->digest.hex(), testing::StartsWith(GetParam().digest_start));
  EXPECT_EQ(image->digest.bytes().size(), 32U);
  EXPECT_EQ(image->header_size, 0x200U);
  EXPECT_EQ(image->encrypted, GetParam().cipher.has_value());
  EXPECT_EQ(image->cipher, GetParam().cipher);
  EXPECT_EQ(image->content_key, GetParam().content_key);
  EXPECT_EQ(image->payload_is_plain, GetParam().payload_is_plain);
  EXPECT_EQ(image->is_ciphertext(), !GetParam().payload_is_plain);
  EXPECT_EQ(image->padded, GetParam().padded);
  EXPECT_THAT(image->signatures, ElementsAre(GetParam().signature));
}

const Expectation kMade[] = {
    {"app-1.0.0", "1.0.0", "1703948f1b2d", {}, {}},
    {"app-1.1.0", "1.1.0", "1131a28d752b", {}, {}},
    {"app-2.0.0", "2.0.0", "0b3f9b4cf949", {}, {}},
    {"radio-1.0.0", "1.0.0", "1a72ccadfa4f", {}, {}},
    {"radio-2.0.0", "2.0.0", "4768a9c9c3ba", {}, {}},
    {"radio-2.0.0-needs-app-2", "2.0.0", "bbbd5dc547f4", {}, {}},
    {"app-2.0.0-padded", "2.0.0", "ecb1fa1d8655", {}, {}, true, true},
    {"app-1.0.0-clear", "1.0.0", "028a41aa4aad", kAes128, ContentKey{KeyWrap::ecies_p256, 25243, 113}},
    {"app-2.0.0-enc-p256-for-gateway", "2.0.0", "631357bee02f", kAes128, ContentKey{KeyWrap::ecies_p256, 205468, 113},
     false},
    {"app-2.0.0-enc-p256-for-child1", "2.0.0", "631357bee02f", kAes128, ContentKey{KeyWrap::ecies_p256, 205467, 113},
     false},
    {"app-2.0.0-enc-x25519-for-gateway", "2.0.0", "631357bee02f", kAes128,
     ContentKey{KeyWrap::ecies_x25519, 205460, 80}, false, false, SignatureKind::ed25519},
    {"app-2.0.0-enc-p256-aes256-for-gateway", "2.0.0", "4587e6bc0c63", kAes256,
     ContentKey{KeyWrap::ecies_p256, 25243, 129}, false},
};
INSTANTIATE_TEST_SUITE_P(Mcuboot, Made, testing::ValuesIn(kMade),
                         [](const auto& row) { return as_name(row.param.file); });

TEST_P(Made, HasTheSameStructureWithoutItsDigest) {
  const Bytes bytes = read_image(GetParam().file);
  McubootImage inspected = inspect_bytes(bytes).value();
  inspected.payload_is_plain = false;
  EXPECT_EQ(read_structure(MemorySource(bytes)).value(), inspected);
}

TEST(Mcuboot, ItsStructureIsReadWithoutItsPayload) {
  Bytes bytes = read_image("app-1.1.0-flipped-payload-byte");
  const auto image = read_structure(MemorySource(bytes));
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->protected_size, 0U);
  EXPECT_EQ(image->covered_end(), image->payload_end());
  bytes[3] = 0;
  EXPECT_EQ(read_structure(MemorySource(bytes)).error().message,
            "MCUboot image: header: offset 0: no MCUboot image: wrong magic");
}

TEST(Mcuboot, ProtectedEntriesAreRead) {
  const auto image = inspect_bytes(read_image("radio-2.0.0-needs-app-2")).value();
  EXPECT_EQ(image.protected_size, 28U);
  EXPECT_EQ(image.covered_end(), image.payload_end() + 28);
  EXPECT_EQ(image.security_counter, 7U);
  EXPECT_THAT(image.dependencies, ElementsAre(McubootDependency{0, {2, 0, 0, 0}}));
}

TEST(Mcuboot, WhatMcubootLooksForOnlyInTheProtectedAreaCountsOnlyThere) {
  Bytes bytes = read_image("app-1.0.0");
  spoiling::append(bytes, spoiling::entry(0x50, 4));
  spoiling::append(bytes, spoiling::entry(0x40, 12));
  const auto image = inspect_bytes(bytes).value();
  EXPECT_FALSE(image.security_counter);
  EXPECT_TRUE(image.dependencies.empty());
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

TEST(Mcuboot, AVersionShowsItsBuildNumberIfItHasOne) {
  EXPECT_EQ((McubootVersion{1, 2, 3, 0}).text(), "1.2.3");
  EXPECT_EQ((McubootVersion{255, 255, 65535, 4294967295}).text(), "255.255.65535.4294967295");
}

TEST(Mcuboot, EachKindOfSignatureIsNamed) {
  constexpr SignatureKind kKinds[] = {SignatureKind::rsa2048_pss, SignatureKind::ecdsa_p224, SignatureKind::ecdsa,
                                      SignatureKind::rsa3072_pss, SignatureKind::ed25519,    SignatureKind::pure};
  for (std::uint16_t i = 0; i < std::size(kKinds); ++i) {
    Bytes image = read_image("app-1.0.0");
    spoiling::become(image, spoiling::entry_of(image, 0x22), static_cast<std::uint16_t>(0x20 + i), 64);
    EXPECT_THAT(inspect_bytes(image)->signatures, ElementsAre(kKinds[i]));
  }
}

// ---------------------------------------------------------------------------------------- wrapped content keys

struct Wrap {
  std::uint16_t type;
  KeyWrap wrap;
  const char* name;
  std::size_t sizes[2];  // with AES-128, with AES-256
};

class Wrapped : public testing::TestWithParam<Wrap> {};

/// As for that kind of key: the image with AES-128 or AES-256, its content key wrapped in `size` bytes.
Result<McubootImage> with_key(bool is_aes256, std::uint16_t type, std::size_t size) {
  Bytes image = read_image(is_aes256 ? "app-2.0.0-enc-p256-aes256-for-gateway" : "app-1.0.0-clear");
  spoiling::become(image, spoiling::entry_of(image, 0x32), type, size);
  return inspect_bytes(image);
}

TEST_P(Wrapped, HasOneLengthForEachCipher) {
  const Wrap& row = GetParam();
  for (const bool is_aes256 : {false, true}) {
    const std::size_t size = row.sizes[is_aes256 ? 1 : 0];
    const auto read = with_key(is_aes256, row.type, size);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->content_key, (ContentKey{row.wrap, 25243, size}));
    for (const std::size_t wrong : {size - 1, size + 1, std::size_t{0}, std::size_t{4096}}) {
      const auto refused = with_key(is_aes256, row.type, wrong);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().message, "MCUboot image: TLVs: offset 25239: " + std::string(row.name) + " of " +
                                             std::to_string(wrong) + " bytes, with " +
                                             (is_aes256 ? "AES-256" : "AES-128") + " it has " + std::to_string(size));
    }
  }
}

constexpr Wrap kWraps[] = {{0x30, KeyWrap::rsa2048_oaep, "ENC_RSA2048", {256, 256}},
                           {0x31, KeyWrap::aes_kw, "ENC_KW", {24, 40}},
                           {0x32, KeyWrap::ecies_p256, "ENC_EC256", {113, 129}},
                           {0x33, KeyWrap::ecies_x25519, "ENC_X25519", {80, 96}},
                           {0x34, KeyWrap::ecies_x25519_sha512, "ENC_X25519_SHA512", {112, 128}}};
INSTANTIATE_TEST_SUITE_P(Mcuboot, Wrapped, testing::ValuesIn(kWraps), [](const auto& row) { return row.param.name; });

// ------------------------------------------------------------------------------------------------- bad images

TEST(Mcuboot, EveryCutOfTheHeadAndOfTheTlvsIsRefused) {
  const Bytes image = read_image("radio-2.0.0-needs-app-2");
  const std::size_t tlvs = spoiling::tlvs_of(image);
  for (std::size_t size = 0; size < image.size(); size += size < 600 || size >= tlvs - 8 ? 1 : 97) {
    EXPECT_FALSE(inspect_bytes(ByteView(image).first(size))) << size;
  }
}

using spoiling::append;
using spoiling::become;
using spoiling::entry;
using spoiling::entry_of;
using spoiling::protect;
using spoiling::put_u16;

struct Spoiling {
  const char* name;
  const char* file;
  void (*spoil)(Bytes&);
  Errc code;
  const char* refusal;  ///< after "MCUboot image: "
};

class Spoiled : public testing::TestWithParam<Spoiling> {};

TEST_P(Spoiled, IsRefused) {
  Bytes image = read_image(GetParam().file);
  GetParam().spoil(image);
  const auto refused = inspect_bytes(image);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, std::string("MCUboot image: ") + GetParam().refusal);
  EXPECT_EQ(refused.error().code, GetParam().code);
}

constexpr const char* kPlain = "app-1.0.0";
constexpr const char* kClear = "app-1.0.0-clear";
constexpr const char* kCipher = "app-2.0.0-enc-p256-for-gateway";
constexpr const char* kX25519 = "app-2.0.0-enc-x25519-for-gateway";
constexpr const char* kProtected = "radio-2.0.0-needs-app-2";
constexpr const char* kPadded = "app-2.0.0-padded";
constexpr std::size_t kTlvs = 25088;           // in kPlain and kClear
constexpr std::size_t kFirstEntry = 25092;     // the hash
constexpr std::size_t kProtectedTlvs = 41472;  // in kProtected
constexpr std::size_t kPaddedEnd = 8855;       // of the TLVs in kPadded

constexpr Spoiling kSpoilings[] = {
    // The header.
    {"old_magic", kPlain, [](Bytes& b) { b[0] = 0x3c; }, Errc::unsupported,
     "header: offset 0: the format of MCUboot before 1.0 (magic 0x96f3b83c)"},
    {"erased", kPlain, [](Bytes& b) { std::fill_n(b.begin(), 32, std::uint8_t{0xff}); }, Errc::unsupported,
     "header: offset 0: erased flash, no image"},
    {"other_magic", kPlain, [](Bytes& b) { b[3] = 0; }, Errc::unsupported,
     "header: offset 0: no MCUboot image: wrong magic"},
    {"no_header", kPlain, [](Bytes& b) { b.resize(31); }, Errc::unsupported,
     "header: offset 0: fewer bytes than a header has"},
    {"short_header", kPlain, [](Bytes& b) { put_u16(b, 8, 31); }, Errc::invalid,
     "header: offset 8: a header shorter than 32 bytes"},
    {"huge_payload", kPlain, [](Bytes& b) { std::fill_n(b.begin() + 12, 4, std::uint8_t{0xff}); }, Errc::invalid,
     "header: offset 12: a payload of 4294967295 bytes: the image is cut off"},
    {"two_ciphers", kCipher, [](Bytes& b) { b[16] = 0x0c; }, Errc::invalid,
     "header: offset 16: encrypted with AES-128 and with AES-256"},
    {"flag_without_key", kPlain, [](Bytes& b) { b[16] = 4; }, Errc::invalid,
     "header: offset 16: an ENCRYPTED flag without a wrapped content key"},
    {"clear_without_key", kClear, [](Bytes& b) { become(b, entry_of(b, 0x32), 0xa0, 113); }, Errc::invalid,
     "header: offset 16: an ENCRYPTED flag without a wrapped content key"},
    // The TLV areas.
    {"nothing_after_the_payload", kPlain, [](Bytes& b) { b.resize(kTlvs); }, Errc::invalid,
     "TLVs: offset 25088: the image is cut off"},
    {"no_tlv_magic", kPlain, [](Bytes& b) { b[kTlvs] = 0; }, Errc::invalid, "TLVs: offset 25088: wrong magic"},
    {"protected_area_missing", kPlain, [](Bytes& b) { b[10] = 8; }, Errc::invalid,
     "TLVs: protected: offset 25088: wrong magic"},
    {"protected_area_unannounced", kProtected, [](Bytes& b) { b[10] = 0; }, Errc::invalid,
     "TLVs: offset 41472: wrong magic"},
    {"protected_area_longer", kProtected, [](Bytes& b) { put_u16(b, 10, 32); }, Errc::invalid,
     "TLVs: protected: offset 41474: an area of 28 bytes, the header says 32"},
    {"protected_area_twice", kProtected, [](Bytes& b) { put_u16(b, kProtectedTlvs + 28, 0x6908); }, Errc::invalid,
     "TLVs: offset 41500: wrong magic"},
    {"area_shorter_than_its_head", kPlain, [](Bytes& b) { put_u16(b, kTlvs + 2, 3); }, Errc::invalid,
     "TLVs: offset 25090: an area shorter than its head"},
    {"area_longer_than_the_file", kPlain, [](Bytes& b) { put_u16(b, kTlvs + 2, 152); }, Errc::invalid,
     "TLVs: offset 25090: an area of 152 bytes: the image is cut off"},
    {"area_claims_64_kib", kPlain, [](Bytes& b) { put_u16(b, kTlvs + 2, 0xffff); }, Errc::invalid,
     "TLVs: offset 25090: an area of 65535 bytes: the image is cut off"},
    {"area_ends_in_an_entry", kPlain, [](Bytes& b) { put_u16(b, kTlvs + 2, 150); }, Errc::invalid,
     "TLVs: offset 25164: an entry of 71 bytes goes beyond its area"},
    {"area_ends_in_an_entry_head", kPlain, [](Bytes& b) { put_u16(b, kTlvs + 2, 78); }, Errc::invalid,
     "TLVs: offset 25164: an entry is cut off"},
    {"entry_too_long", kPlain, [](Bytes& b) { put_u16(b, kFirstEntry + 2, 0x7f20); }, Errc::invalid,
     "TLVs: offset 25092: an entry of 32544 bytes goes beyond its area"},
    {"area_ends_early", kPlain, [](Bytes& b) { put_u16(b, kTlvs + 2, 76); }, Errc::invalid,
     "slot trailer: offset 25164: 75 bytes after the TLVs that are no slot trailer"},
    // The image hash.
    {"no_hash", kPlain, [](Bytes& b) { b[kFirstEntry] = 0x0f; }, Errc::invalid, "TLVs: offset 25088: no image hash"},
    {"hash_of_another_length", kPlain, [](Bytes& b) { b[kFirstEntry] = 0x11; }, Errc::invalid,
     "TLVs: offset 25092: an image hash of 32 bytes, it has 48"},
    {"hash_twice", kPlain, [](Bytes& b) { append(b, entry(0x10, 32)); }, Errc::invalid,
     "TLVs: offset 25239: more than one image hash"},
    {"two_kinds_of_hash", kPlain, [](Bytes& b) { append(b, entry(0x12, 64)); }, Errc::invalid,
     "TLVs: offset 25239: more than one image hash"},
    {"hash_in_the_protected_area", kCipher, [](Bytes& b) { protect(b, entry(0x10, 32)); }, Errc::invalid,
     "TLVs: protected: offset 205316: an image hash in the area that it covers"},
    {"wrong_hash", kPlain, [](Bytes& b) { b[kFirstEntry + 4] ^= 1; }, Errc::mismatch,
     "offset 0: header, payload and protected TLVs are not what the image hash says"},
    {"wrong_header", kPlain, [](Bytes& b) { b[24] ^= 1; }, Errc::mismatch,
     "offset 0: header, payload and protected TLVs are not what the image hash says"},
    {"wrong_protected_entry", kProtected, [](Bytes& b) { b[kProtectedTlvs + 8] ^= 1; }, Errc::mismatch,
     "offset 0: header, payload and protected TLVs are not what the image hash says"},
    {"flipped_on_the_way", "app-1.1.0-flipped-payload-byte", [](Bytes&) {}, Errc::mismatch,
     "offset 0: header, payload and protected TLVs are not what the image hash says"},
    {"cut_on_the_way", "app-1.1.0-truncated", [](Bytes&) {}, Errc::invalid,
     "header: offset 12: a payload of 24576 bytes: the image is cut off"},
    // The wrapped content key.
    {"key_twice", kCipher, [](Bytes& b) { append(b, entry(0x32, 113)); }, Errc::invalid,
     "TLVs: offset 205581: ENC_EC256 twice"},
    {"key_twice_x25519", kX25519, [](Bytes& b) { append(b, entry(0x33, 80)); }, Errc::invalid,
     "TLVs: offset 205540: ENC_X25519 twice"},
    {"two_kinds_of_key", kCipher, [](Bytes& b) { append(b, entry(0x33, 80)); }, Errc::invalid,
     "TLVs: offset 205581: ENC_X25519 beside ENC_EC256"},
    {"two_kinds_of_key_clear", kClear, [](Bytes& b) { append(b, entry(0x31, 24)); }, Errc::invalid,
     "TLVs: offset 25356: ENC_KW beside ENC_EC256"},
    {"key_protected", kClear, [](Bytes& b) { protect(b, entry(0x32, 113)); }, Errc::invalid,
     "TLVs: protected: offset 25092: ENC_EC256 in the protected area"},
    {"key_protected_x25519", kX25519, [](Bytes& b) { protect(b, entry(0x33, 80)); }, Errc::invalid,
     "TLVs: protected: offset 205316: ENC_X25519 in the protected area"},
    {"key_a_byte_longer", kCipher, [](Bytes& b) { become(b, entry_of(b, 0x32), 0x32, 114); }, Errc::invalid,
     "TLVs: offset 205464: ENC_EC256 of 114 bytes, with AES-128 it has 113"},
    {"key_for_the_other_cipher", kCipher, [](Bytes& b) { b[16] = 8; }, Errc::invalid,
     "TLVs: offset 205464: ENC_EC256 of 113 bytes, with AES-256 it has 129"},
    {"key_without_flag", kPlain, [](Bytes& b) { append(b, entry(0x32, 113)); }, Errc::invalid,
     "TLVs: offset 25239: ENC_EC256 without an ENCRYPTED flag"},
    // Dependencies and security counter.
    {"counter_of_another_length", kPlain, [](Bytes& b) { protect(b, entry(0x50, 8)); }, Errc::invalid,
     "TLVs: protected: offset 25092: a security counter of 8 bytes, it has 4"},
    {"counter_twice", kProtected, [](Bytes& b) { put_u16(b, kProtectedTlvs + 12, 0x50); }, Errc::invalid,
     "TLVs: protected: offset 41484: more than one security counter"},
    {"dependency_of_another_length", kPlain, [](Bytes& b) { protect(b, entry(0x40, 8)); }, Errc::invalid,
     "TLVs: protected: offset 25092: a dependency of 8 bytes, it has 12"},
    {"too_many_dependencies", kPlain,
     [](Bytes& b) {
       Bytes all;
       for (int i = 0; i < 17; ++i) spoiling::insert(all, all.size(), entry(0x40, 12));
       protect(b, all);
     },
     Errc::too_large, "TLVs: protected: offset 25348: more than 16 dependencies"},
    // What comes after the TLVs.
    {"byte_after_the_end", kPlain, [](Bytes& b) { b.push_back(0xff); }, Errc::invalid,
     "slot trailer: offset 25239: 1 bytes after the TLVs that are no slot trailer"},
    {"padding_without_magic", kPlain, [](Bytes& b) { b.resize(b.size() + 4096, 0xff); }, Errc::invalid,
     "slot trailer: offset 25239: 4096 bytes after the TLVs that are no slot trailer"},
    {"spoiled_trailer_magic", kPadded, [](Bytes& b) { b.back() ^= 1; }, Errc::invalid,
     "slot trailer: offset 8855: 421225 bytes after the TLVs that are no slot trailer"},
    {"padding_that_is_not_erased", kPadded, [](Bytes& b) { b[kPaddedEnd] = 0xfe; }, Errc::invalid,
     "slot trailer: offset 8855: neither erased nor a slot trailer"},
    {"byte_in_the_padding", kPadded, [](Bytes& b) { b[200000] = 1; }, Errc::invalid,
     "slot trailer: offset 200000: neither erased nor a slot trailer"},
    {"another_image_in_the_padding", kPadded, [](Bytes& b) { std::copy_n(b.begin(), 9000, b.begin() + 0x3000); },
     Errc::invalid, "slot trailer: offset 12288: neither erased nor a slot trailer"},
};
INSTANTIATE_TEST_SUITE_P(Mcuboot, Spoiled, testing::ValuesIn(kSpoilings),
                         [](const auto& row) { return row.param.name; });

// ------------------------------------------------------------------------------------------------ slot padding

struct Padding {
  const char* name;
  void (*pad)(Bytes&);
};

class Padded : public testing::TestWithParam<Padding> {};

TEST_P(Padded, IsRecognized) {
  Bytes image = read_image(kPadded);
  GetParam().pad(image);
  const auto read = inspect_bytes(image);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->padded);
}

constexpr Padding kPaddings[] = {
    {"as_imgtool_made_it", [](Bytes&) {}},
    {"erased_to_zero", [](Bytes& b) { std::fill(b.begin() + kPaddedEnd, b.end() - 16, std::uint8_t{0}); }},
    {"confirmed", [](Bytes& b) { b[b.size() - 24] = 1; }},
    {"confirmed_with_writes_of_32_bytes",
     [](Bytes& b) {
       const Bytes magic = from_hex("20002de15d29410b8d77679c110f1f8a").value();
       std::copy(magic.begin(), magic.end(), b.end() - 16);
       b[b.size() - 64] = 1;
     }},
    {"magic_alone", [](Bytes& b) { b.erase(b.begin() + kPaddedEnd, b.end() - 16); }},
};
INSTANTIATE_TEST_SUITE_P(Mcuboot, Padded, testing::ValuesIn(kPaddings), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace hg::images
