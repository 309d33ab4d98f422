// SPDX-License-Identifier: Apache-2.0
#include "images/mcuboot.hpp"

#include <algorithm>
#include <cstring>

namespace hg::images {
namespace {

constexpr std::uint32_t kMagic = 0x96f3b83d;
constexpr std::uint32_t kMagicV1 = 0x96f3b83c;
constexpr std::uint32_t kErased = 0xffffffff;
constexpr std::uint32_t kFlagEncryptedAes128 = 0x4;
constexpr std::uint32_t kFlagEncryptedAes256 = 0x8;
constexpr std::size_t kHeaderBytes = 32;
constexpr std::uint16_t kUnprotectedMagic = 0x6907;
constexpr std::uint16_t kProtectedMagic = 0x6908;
constexpr std::size_t kTlvAreaHeadBytes = 4;
constexpr std::size_t kTlvHeadBytes = 4;

constexpr std::uint16_t kTlvSha256 = 0x10;
constexpr std::uint16_t kTlvSha384 = 0x11;
constexpr std::uint16_t kTlvSha512 = 0x12;
constexpr std::uint16_t kTlvFirstContentKey = 0x30;  // RSA-OAEP, AES-KW, ECIES on P-256, X25519, X25519 with SHA-512
constexpr std::uint16_t kTlvLastContentKey = 0x34;
constexpr std::uint16_t kTlvDependency = 0x40;
constexpr std::uint16_t kTlvSecurityCounter = 0x50;

constexpr std::size_t kDependencyBytes = 12;
constexpr std::size_t kVersionBytes = 8;
constexpr std::size_t kMaxDependencies = 16;
constexpr std::size_t kPieceBytes = 64 * 1024;

constexpr std::array<std::uint8_t, 16> kTrailerMagicAlign8 = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f,
                                                              0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
/// With other alignments the first two bytes are the alignment.
constexpr std::array<std::uint8_t, 14> kTrailerMagicTail = {0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d,
                                                            0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a};

struct HashRule {
  std::uint16_t tlv;
  std::size_t digest_bytes;
};
constexpr HashRule kHashes[] = {{kTlvSha256, 32}, {kTlvSha384, 48}, {kTlvSha512, 64}};

std::uint16_t u16(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8U);
}

std::uint32_t u32(ByteView bytes, std::size_t at) {
  return u16(bytes, at) | static_cast<std::uint32_t>(u16(bytes, at + 2)) << 16U;
}

McubootVersion version_at(ByteView bytes, std::size_t at) {
  return {bytes[at], bytes[at + 1], u16(bytes, at + 2), u32(bytes, at + 4)};
}

bool is_trailer_magic(ByteView last) {
  return std::ranges::equal(last, kTrailerMagicAlign8) || std::ranges::equal(last.subspan(2), kTrailerMagicTail);
}

/// One inspection.
class Inspection {
 public:
  Inspection(const Source& source, const Hashing& hashing) : source_(source), hashing_(hashing) {}

  Result<McubootImage> run();

 private:
  Result<void> read_header();
  Result<void> read_tlv_areas();
  Result<std::uint64_t> read_area(std::uint64_t offset, bool is_protected);
  Result<void> read_tlv(std::uint16_t type, ByteView value, bool is_protected);
  Result<void> read_dependency(ByteView value);
  Result<void> read_digest(const HashRule& rule, ByteView value);
  Result<void> read_trailer();
  Result<void> check_digest();
  [[nodiscard]] Result<Digest> hash() const;

  const Source& source_;
  const Hashing& hashing_;
  McubootImage image_;
  std::uint16_t protected_bytes_ = 0;
  std::uint64_t end_ = 0;  ///< of the TLVs
  const HashRule* hash_rule_ = nullptr;
};

Result<McubootImage> Inspection::run() {
  if (auto read = read_header(); !read) return read.error().within("MCUboot header");
  if (auto read = read_tlv_areas(); !read) return read.error().within("MCUboot TLVs");
  if (auto read = read_trailer(); !read) return read.error().within("MCUboot trailer");
  if (auto checked = check_digest(); !checked) return checked.error().within("MCUboot image");
  return std::move(image_);
}

Result<void> Inspection::read_header() {
  std::array<std::uint8_t, kHeaderBytes> header{};
  if (source_.size() < header.size()) return Error{Errc::unsupported, "fewer bytes than a header has"};
  if (auto read = source_.read_at(0, header); !read) return read;
  const std::uint32_t magic = u32(header, 0);
  if (magic == kMagicV1) return Error{Errc::unsupported, "the format of MCUboot before 1.0 (magic 0x96f3b83c)"};
  if (magic == kErased) return Error{Errc::unsupported, "erased flash, no image"};
  if (magic != kMagic) return Error{Errc::unsupported, "no MCUboot image: wrong magic"};
  image_.header_size = u16(header, 8);
  protected_bytes_ = u16(header, 10);
  image_.payload_size = u32(header, 12);
  image_.flags = u32(header, 16);
  image_.version = version_at(header, 20);
  image_.encrypted = (image_.flags & (kFlagEncryptedAes128 | kFlagEncryptedAes256)) != 0;
  if (image_.header_size < kHeaderBytes) return Error{Errc::invalid, "a header shorter than 32 bytes"};
  const std::uint64_t tlv_offset = std::uint64_t{image_.header_size} + image_.payload_size;
  if (tlv_offset + kTlvAreaHeadBytes > source_.size()) return Error{Errc::invalid, "the image is cut off"};
  return {};
}

Result<void> Inspection::read_tlv_areas() {
  std::uint64_t offset = std::uint64_t{image_.header_size} + image_.payload_size;
  if (protected_bytes_ != 0) {
    const auto size = read_area(offset, true);
    if (!size) return size.error().within("protected");
    if (*size != protected_bytes_) return Error{Errc::invalid, "the protected area is not as long as the header says"};
    offset += *size;
  }
  const auto size = read_area(offset, false);
  if (!size) return size.error();
  end_ = offset + *size;
  return {};
}

/// The size of the area with its head: at most 64 KiB, so it is read at once.
Result<std::uint64_t> Inspection::read_area(std::uint64_t offset, bool is_protected) {
  std::array<std::uint8_t, kTlvAreaHeadBytes> head{};
  if (offset + head.size() > source_.size()) return Error{Errc::invalid, "the image is cut off"};
  if (auto read = source_.read_at(offset, head); !read) return read.error();
  if (u16(head, 0) != (is_protected ? kProtectedMagic : kUnprotectedMagic)) return Error{Errc::invalid, "wrong magic"};
  const std::size_t size = u16(head, 2);
  if (size < head.size() || offset + size > source_.size()) return Error{Errc::invalid, "the image is cut off"};
  Bytes area(size - head.size());
  if (auto read = source_.read_at(offset + head.size(), area); !read) return read.error();
  ByteView left(area);
  while (!left.empty()) {
    if (left.size() < kTlvHeadBytes) return Error{Errc::invalid, "an entry is cut off"};
    const std::uint16_t type = u16(left, 0);
    const std::size_t length = u16(left, 2);
    if (left.size() - kTlvHeadBytes < length) return Error{Errc::invalid, "an entry is cut off"};
    if (auto read = read_tlv(type, left.subspan(kTlvHeadBytes, length), is_protected); !read) return read.error();
    left = left.subspan(kTlvHeadBytes + length);
  }
  return std::uint64_t{size};
}

/// What decides something must be protected, else MCUboot itself would not believe it.
Result<void> Inspection::read_tlv(std::uint16_t type, ByteView value, bool is_protected) {
  const auto rule = std::ranges::find(kHashes, type, &HashRule::tlv);
  if (rule != std::end(kHashes)) return read_digest(*rule, value);
  if (type >= kTlvFirstContentKey && type <= kTlvLastContentKey) image_.has_content_key = true;
  if (type == kTlvDependency && is_protected) return read_dependency(value);
  if (type == kTlvSecurityCounter && is_protected) {
    if (value.size() != 4) return Error{Errc::invalid, "a security counter that is not 4 bytes long"};
    image_.security_counter = u32(value, 0);
  }
  return {};
}

Result<void> Inspection::read_digest(const HashRule& rule, ByteView value) {
  if (hash_rule_ != nullptr) return Error{Errc::invalid, "more than one image hash"};
  if (value.size() != rule.digest_bytes) return Error{Errc::invalid, "an image hash of the wrong length"};
  hash_rule_ = &rule;
  image_.digest = *Digest::from_bytes(value);
  return {};
}

Result<void> Inspection::read_dependency(ByteView value) {
  if (value.size() != kDependencyBytes) return Error{Errc::invalid, "a dependency that is not 12 bytes long"};
  if (image_.dependencies.size() == kMaxDependencies) return Error{Errc::too_large, "too many dependencies"};
  image_.dependencies.push_back({value[0], version_at(value, kDependencyBytes - kVersionBytes)});
  return {};
}

Result<void> Inspection::read_trailer() {
  if (end_ == source_.size()) return {};
  std::array<std::uint8_t, 16> last{};
  if (source_.size() - end_ < last.size()) return Error{Errc::invalid, "bytes after the end"};
  if (auto read = source_.read_at(source_.size() - last.size(), last); !read) return read;
  if (!is_trailer_magic(last)) return Error{Errc::invalid, "bytes after the end that are no slot trailer"};
  image_.has_trailer = true;
  return {};
}

/// The hash is of the plain payload also in encrypted images, so for those it only shows whether the payload is plain
/// all the same (imgtool --clear); ciphertext cannot be checked without the content key.
Result<void> Inspection::check_digest() {
  if (hash_rule_ == nullptr) return Error{Errc::invalid, "no image hash"};
  const auto computed = hash();
  if (!computed) return computed.error();
  image_.payload_is_plain = equal_in_constant_time(computed->bytes(), image_.digest.bytes());
  if (image_.payload_is_plain) return {};
  if (image_.encrypted && image_.has_content_key) return {};
  if (image_.encrypted) return Error{Errc::invalid, "ciphertext without a content key"};
  return Error{Errc::mismatch, "the payload is not what the image hash says"};
}

Result<Digest> Inspection::hash() const {
  const auto hash = hashing_.start(hash_rule_->digest_bytes);
  std::uint64_t left = std::uint64_t{image_.header_size} + image_.payload_size + protected_bytes_;
  std::uint64_t offset = 0;
  Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceBytes)));
  while (left > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
    const std::span<std::uint8_t> into(piece.data(), size);
    if (auto read = source_.read_at(offset, into); !read) return read.error();
    hash->update(into);
    offset += size;
    left -= size;
  }
  return hash->finish();
}

}  // namespace

std::string McubootVersion::text() const {
  std::string text = std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(revision);
  if (build != 0) text += '.' + std::to_string(build);
  return text;
}

bool looks_like_mcuboot(ByteView first_bytes) {
  return first_bytes.size() >= 4 && (u32(first_bytes, 0) == kMagic || u32(first_bytes, 0) == kMagicV1);
}

Result<McubootImage> inspect(const Source& source, const Hashing& hashing) {
  return Inspection(source, hashing).run();
}

}  // namespace hg::images
