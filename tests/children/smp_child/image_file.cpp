// SPDX-License-Identifier: Apache-2.0
#include "image_file.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace smp_child {
namespace {

constexpr std::uint32_t kMagic = 0x96f3b83d;
constexpr std::uint32_t kFlagsEncrypted = 0x4 | 0x8;
constexpr std::uint32_t kFlagNonBootable = 0x10;
constexpr std::uint16_t kProtectedTlvs = 0x6908, kTlvs = 0x6907;
constexpr std::uint16_t kSha256Tlv = 0x10, kDependencyTlv = 0x40, kFirstKeyTlv = 0x30, kLastKeyTlv = 0x34;
constexpr std::uint64_t kTlvHeadSize = 4;
constexpr std::size_t kSha256Size = 32;

std::uint64_t field(ByteView bytes, std::size_t offset, std::size_t size) {
  return little_endian(bytes.subspan(offset, size));
}

void take_tlv(ImageInfo& image, std::uint64_t type, ByteView data) {
  if (type == kSha256Tlv && data.size() == kSha256Size) image.hash.assign(data.begin(), data.end());
  if (type >= kFirstKeyTlv && type <= kLastKeyTlv) image.ciphertext = true;
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

std::optional<ImageInfo> read_image(const Slot& slot) {
  const Bytes header = slot.read(0, kImageHeaderSize);
  const std::uint64_t flags = field(header, 16, 4), protected_size = field(header, 10, 2);
  ImageInfo image;
  image.end = field(header, 8, 2) + field(header, 12, 4);
  if (!has_image_magic(header) || image.end > slot.size()) return std::nullopt;
  image.version = version_in_header(header);
  image.bootable = (flags & kFlagNonBootable) == 0;
  image.hashed = image.end + protected_size;
  if (protected_size != 0 && !read_area(slot, image, kProtectedTlvs)) return std::nullopt;
  if (image.end != image.hashed || !read_area(slot, image, kTlvs) || image.hash.empty()) return std::nullopt;
  image.ciphertext = image.ciphertext && (flags & kFlagsEncrypted) != 0;
  return image;
}

bool hash_is_right(const Slot& slot, const ImageInfo& image) {
  return image.ciphertext || sha256(slot.read(0, image.hashed)) == image.hash;
}

Bytes sha256(ByteView bytes) {
  Bytes digest(kSha256Size);
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 failed");
  }
  return digest;
}

}  // namespace smp_child
