// SPDX-License-Identifier: Apache-2.0
#include "images/mcuboot.hpp"

#include <algorithm>
#include <array>

#include "images/fields.hpp"
#include "images/tlvs.hpp"

namespace hg::images {
namespace {

constexpr std::uint32_t kMagic = 0x96f3b83d;
constexpr std::uint32_t kMagicV1 = 0x96f3b83c;
constexpr std::uint32_t kErased = 0xffffffff;
constexpr std::uint32_t kFlagEncryptedAes128 = 0x4;
constexpr std::uint32_t kFlagEncryptedAes256 = 0x8;
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kPieceBytes = 64 * 1024;

// Where the fields of the header stand.
constexpr std::size_t kHeaderSizeAt = 8;
constexpr std::size_t kProtectedSizeAt = 10;
constexpr std::size_t kPayloadSizeAt = 12;
constexpr std::size_t kFlagsAt = 16;
constexpr std::size_t kVersionAt = 20;

constexpr std::size_t kTrailerMagicBytes = 16;
constexpr std::array<std::uint8_t, kTrailerMagicBytes> kTrailerMagicAlign8 = {
    0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
/// With other alignments the first two bytes are the alignment.
constexpr std::array<std::uint8_t, kTrailerMagicBytes - 2> kTrailerMagicTail = {
    0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a};
/// The flags before the magic (image_ok with --confirm), each as wide as the alignment, which is 32 at most.
constexpr std::size_t kTrailerFlagsBytes = std::size_t{5} * 32;
constexpr std::uint8_t kFlagSet = 1;

bool is_trailer_magic(ByteView last) {
  return std::ranges::equal(last, kTrailerMagicAlign8) || std::ranges::equal(last.subspan(2), kTrailerMagicTail);
}

/// One inspection.
class Inspection {
 public:
  explicit Inspection(const Source& source) : source_(source) {}

  Result<void> read();
  /// After read().
  Result<void> check_digest(const Hashing& hashing);

  [[nodiscard]] const McubootImage& image() const { return image_; }

 private:
  Result<void> read_header();
  Result<void> read_cipher();
  Result<void> read_padding(std::uint64_t begin);
  [[nodiscard]] Result<Digest> hash(const Hashing& hashing) const;
  /// Calls take(piece, its offset) for all bytes from `begin` to `end`; it ends with the first error.
  template <class Take>
  [[nodiscard]] Result<void> for_each_piece(std::uint64_t begin, std::uint64_t end, Take take) const;

  const Source& source_;
  McubootImage image_;
};

Result<void> Inspection::read() {
  if (auto read = read_header(); !read) return read.error().within("header");
  const std::uint64_t tlvs_at = image_.payload_end();
  const auto end = read_tlvs(source_, tlvs_at, image_.protected_size, image_);
  if (!end) return end.error().within("TLVs");
  if (image_.digest.empty()) return error_at(tlvs_at, Errc::invalid, "no image hash").within("TLVs");
  if (image_.encrypted && !image_.content_key) {
    return error_at(kFlagsAt, Errc::invalid, "an ENCRYPTED flag without a wrapped content key").within("header");
  }
  if (auto read = read_padding(*end); !read) return read.error().within("slot trailer");
  return {};
}

Result<void> Inspection::read_header() {
  std::array<std::uint8_t, kHeaderBytes> header{};
  if (source_.size() < header.size()) return error_at(0, Errc::unsupported, "fewer bytes than a header has");
  if (auto read = source_.read_at(0, header); !read) return read;
  const std::uint32_t magic = u32(header, 0);
  if (magic == kMagicV1) return error_at(0, Errc::unsupported, "the format of MCUboot before 1.0 (magic 0x96f3b83c)");
  if (magic == kErased) return error_at(0, Errc::unsupported, "erased flash, no image");
  if (magic != kMagic) return error_at(0, Errc::unsupported, "no MCUboot image: wrong magic");
  image_.header_size = u16(header, kHeaderSizeAt);
  image_.protected_size = u16(header, kProtectedSizeAt);
  image_.payload_size = u32(header, kPayloadSizeAt);
  image_.flags = u32(header, kFlagsAt);
  image_.version = version_at(header, kVersionAt);
  if (image_.header_size < kHeaderBytes) {
    return error_at(kHeaderSizeAt, Errc::invalid, "a header shorter than 32 bytes");
  }
  if (image_.payload_end() > source_.size()) {
    return error_at(kPayloadSizeAt, Errc::invalid,
                    "a payload of " + std::to_string(image_.payload_size) + " bytes: the image is cut off");
  }
  return read_cipher();
}

Result<void> Inspection::read_cipher() {
  const std::uint32_t flags = image_.flags & (kFlagEncryptedAes128 | kFlagEncryptedAes256);
  if (flags == 0) return {};
  if (flags == (kFlagEncryptedAes128 | kFlagEncryptedAes256)) {
    return error_at(kFlagsAt, Errc::invalid, "encrypted with AES-128 and with AES-256");
  }
  image_.encrypted = true;
  image_.cipher = flags == kFlagEncryptedAes128 ? ContentCipher::aes128_ctr : ContentCipher::aes256_ctr;
  return {};
}

/// What a file may hold after the TLVs: erased flash up to a slot trailer at its end. The trailer's flags, just before
/// its magic, may be set; more is nobody's padding.
Result<void> Inspection::read_padding(std::uint64_t begin) {
  if (begin == source_.size()) return {};
  const std::string count = std::to_string(source_.size() - begin);
  const Error no_trailer = error_at(begin, Errc::invalid, count + " bytes after the TLVs that are no slot trailer");
  std::array<std::uint8_t, kTrailerMagicBytes> last{};
  if (source_.size() - begin < last.size()) return no_trailer;
  const std::uint64_t magic_at = source_.size() - last.size();
  if (auto read = source_.read_at(magic_at, last); !read) return read;
  if (!is_trailer_magic(last)) return no_trailer;
  std::uint8_t erased = 0xff;
  if (begin < magic_at) {
    if (auto read = source_.read_at(begin, {&erased, 1}); !read) return read;
  }
  if (erased != 0xff && erased != 0) return error_at(begin, Errc::invalid, "neither erased nor a slot trailer");
  const auto check = [erased, magic_at](ByteView piece, std::uint64_t offset) -> Result<void> {
    for (const std::uint8_t byte : piece) {
      const bool is_flag = byte == kFlagSet && offset + kTrailerFlagsBytes >= magic_at;
      if (byte != erased && !is_flag) return error_at(offset, Errc::invalid, "neither erased nor a slot trailer");
      ++offset;
    }
    return {};
  };
  image_.padded = true;
  return for_each_piece(begin, magic_at, check);
}

/// The hash is of the plain payload also in encrypted images, so for those it only shows whether the payload is plain
/// all the same (imgtool --clear); ciphertext cannot be checked without the content key.
Result<void> Inspection::check_digest(const Hashing& hashing) {
  const auto computed = hash(hashing);
  if (!computed) return computed.error();
  image_.payload_is_plain = equal_in_constant_time(computed->bytes(), image_.digest.bytes());
  if (image_.payload_is_plain || image_.encrypted) return {};
  return error_at(0, Errc::mismatch, "header, payload and protected TLVs are not what the image hash says");
}

/// Over header, payload and protected TLVs.
Result<Digest> Inspection::hash(const Hashing& hashing) const {
  const auto hash = hashing.start(image_.digest.bytes().size());
  const auto update = [&hash](ByteView piece, std::uint64_t) -> Result<void> {
    hash->update(piece);
    return {};
  };
  if (auto read = for_each_piece(0, image_.covered_end(), update); !read) return read.error();
  return hash->finish();
}

template <class Take>
Result<void> Inspection::for_each_piece(std::uint64_t begin, std::uint64_t end, Take take) const {
  Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, kPieceBytes)));
  while (begin < end) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, buffer.size()));
    const std::span<std::uint8_t> piece(buffer.data(), size);
    if (auto read = source_.read_at(begin, piece); !read) return read;
    if (auto taken = take(ByteView(piece), begin); !taken) return taken;
    begin += size;
  }
  return {};
}

}  // namespace

std::string McubootVersion::text() const {
  std::string text = std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(revision);
  if (build != 0) text += '.' + std::to_string(build);
  return text;
}

std::string_view name_of(KeyWrap wrap) {
  switch (wrap) {
    case KeyWrap::rsa2048_oaep:
      return "ENC_RSA2048";
    case KeyWrap::aes_kw:
      return "ENC_KW";
    case KeyWrap::ecies_p256:
      return "ENC_EC256";
    case KeyWrap::ecies_x25519:
      return "ENC_X25519";
    case KeyWrap::ecies_x25519_sha512:
      return "ENC_X25519_SHA512";
  }
  return "ENC";
}

bool looks_like_mcuboot(ByteView first_bytes) {
  return first_bytes.size() >= 4 && (u32(first_bytes, 0) == kMagic || u32(first_bytes, 0) == kMagicV1);
}

Result<McubootImage> read_structure(const Source& source) {
  Inspection inspection(source);
  if (auto read = inspection.read(); !read) return read.error().within("MCUboot image");
  return inspection.image();
}

Result<McubootImage> inspect(const Source& source, const Hashing& hashing) {
  Inspection inspection(source);
  auto done = inspection.read();
  if (done) done = inspection.check_digest(hashing);
  if (!done) return done.error().within("MCUboot image");
  return inspection.image();
}

}  // namespace hg::images
