// SPDX-License-Identifier: Apache-2.0
#include "image_file.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace smp_child {
namespace {

constexpr std::uint32_t kMagic = 0x96f3b83d;
constexpr std::uint32_t kFlagsEncrypted = 0x4 | 0x8;
constexpr std::uint32_t kFlagNonBootable = 0x10;
constexpr std::uint16_t kProtectedTlvs = 0x6908, kTlvs = 0x6907;
constexpr std::uint16_t kSha256Tlv = 0x10, kSha384Tlv = 0x11, kSha512Tlv = 0x12;
constexpr std::uint16_t kDependencyTlv = 0x40, kSecurityCounterTlv = 0x50, kFirstKeyTlv = 0x30, kLastKeyTlv = 0x34;
constexpr std::uint64_t kTlvHeadSize = 4;
constexpr std::array<std::uint8_t, 14> kTrailerMagic{0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d,
                                                     0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a};
constexpr std::array<std::uint8_t, 16> kTrailerMagic8{0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f,
                                                      0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};

std::uint64_t field(ByteView bytes, std::size_t offset, std::size_t size) {
  return little_endian(bytes.subspan(offset, size));
}

const EVP_MD* digest_of(std::size_t size) {
  return size == 64 ? EVP_sha512() : size == 48 ? EVP_sha384() : EVP_sha256();
}

Bytes digest(ByteView bytes, const EVP_MD* kind) {
  Bytes value(static_cast<std::size_t>(EVP_MD_get_size(kind)));
  if (EVP_Digest(bytes.data(), bytes.size(), value.data(), nullptr, kind, nullptr) != 1) {
    throw std::runtime_error("a digest failed");
  }
  return value;
}

void take_tlv(ImageInfo& image, std::uint64_t type, ByteView data) {
  const bool is_hash = (type == kSha256Tlv && data.size() == 32) || (type == kSha384Tlv && data.size() == 48) ||
                       (type == kSha512Tlv && data.size() == 64);
  if (is_hash) image.hash.assign(data.begin(), data.end());
  if (type >= kFirstKeyTlv && type <= kLastKeyTlv) {
    image.content_key = {static_cast<std::uint16_t>(type), Bytes(data.begin(), data.end())};
  }
  if (type == kSecurityCounterTlv && data.size() == 4) {
    image.security_counter = static_cast<std::uint32_t>(field(data, 0, 4));
  }
  if (type == kDependencyTlv && data.size() >= 12) {
    image.dependencies.push_back({data[0], Version::from_bytes(data.subspan(4, 8))});
  }
}

bool take_tlvs(ImageInfo& image, ByteView entries) {
  while (!entries.empty()) {
    if (entries.size() < kTlvHeadSize) return false;
    const std::uint64_t type = field(entries, 0, 2), size = field(entries, 2, 2);
    entries = entries.subspan(kTlvHeadSize);
    if (entries.size() < size) return false;
    take_tlv(image, type, entries.first(size));
    entries = entries.subspan(size);
  }
  return true;
}

/// Reads the TLV area with this magic at the present end of the image and moves the end behind it.
bool read_area(const Slot& slot, ImageInfo& image, std::uint16_t magic) {
  const Bytes head = slot.read(image.end, kTlvHeadSize);
  const std::uint64_t total = field(head, 2, 2);
  if (field(head, 0, 2) != magic || total < kTlvHeadSize || image.end + total > slot.size()) return false;
  const Bytes entries = slot.read(image.end + kTlvHeadSize, total - kTlvHeadSize);
  image.end += total;
  return take_tlvs(image, entries);
}

}  // namespace

Version Version::from_bytes(ByteView bytes) {
  return {bytes[0], bytes[1], static_cast<std::uint16_t>(field(bytes, 2, 2)),
          static_cast<std::uint32_t>(field(bytes, 4, 4))};
}

std::string Version::text() const {
  const std::string dotted = std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(revision);
  return build == 0 ? dotted : dotted + "." + std::to_string(build);
}

bool has_image_magic(ByteView bytes) {
  return bytes.size() >= 4 && field(bytes, 0, 4) == kMagic;
}

Version version_in_header(ByteView header) {
  return Version::from_bytes(header.subspan(20, 8));
}

std::optional<ImageInfo> read_image(const Slot& slot, std::size_t sha_size) {
  const Bytes header = slot.read(0, kImageHeaderSize);
  const std::uint64_t flags = field(header, 16, 4), protected_size = field(header, 10, 2);
  ImageInfo image;
  image.payload = field(header, 8, 2);
  image.payload_end = image.end = image.payload + field(header, 12, 4);
  if (!has_image_magic(header) || image.end > slot.size()) return std::nullopt;
  image.version = version_in_header(header);
  image.bootable = (flags & kFlagNonBootable) == 0;
  image.hashed = image.end + protected_size;
  if (protected_size != 0 && !read_area(slot, image, kProtectedTlvs)) return std::nullopt;
  if (image.end != image.hashed || !read_area(slot, image, kTlvs)) return std::nullopt;
  if (image.hash.size() != sha_size) return std::nullopt;
  if ((flags & kFlagsEncrypted) == 0) image.content_key.reset();
  return image;
}

bool hash_is_right(ByteView content, const ImageInfo& image) {
  return content.size() >= image.hashed &&
         digest(content.first(image.hashed), digest_of(image.hash.size())) == image.hash;
}

bool has_trailer_magic(const Slot& slot) {
  const Bytes end = slot.read(slot.size() - kTrailerMagic8.size(), kTrailerMagic8.size());
  return std::ranges::equal(end, kTrailerMagic8) || std::ranges::equal(ByteView(end).subspan(2), kTrailerMagic);
}

bool trailer_says_confirmed(const Slot& slot) {
  return has_trailer_magic(slot) && slot.read(slot.size() - kTrailerMagic8.size() - 8, 1)[0] == 1;
}

Bytes sha256(ByteView bytes) {
  return digest(bytes, EVP_sha256());
}

}  // namespace smp_child
