// SPDX-License-Identifier: Apache-2.0
#include "images/tlvs.hpp"

#include <algorithm>
#include <array>

#include "images/fields.hpp"

namespace hg::images {
namespace {

constexpr std::uint16_t kUnprotectedMagic = 0x6907;
constexpr std::uint16_t kProtectedMagic = 0x6908;
constexpr std::size_t kAreaHeadBytes = 4;   // magic, size with this head
constexpr std::size_t kEntryHeadBytes = 4;  // type, size without this head

constexpr std::uint16_t kDependency = 0x40;
constexpr std::uint16_t kSecurityCounter = 0x50;
constexpr std::size_t kDependencyBytes = 12;
constexpr std::size_t kSecurityCounterBytes = 4;
constexpr std::size_t kMaxDependencies = 16;

struct HashRule {
  std::uint16_t type;
  std::size_t bytes;
};
constexpr HashRule kHashes[] = {{0x10, 32}, {0x11, 48}, {0x12, 64}};

/// How long a wrapped content key is: boot/bootutil/include/bootutil/enc_key_public.h. A bootloader that is built for
/// one kind takes no other length.
struct KeyRule {
  std::uint16_t type;
  KeyWrap wrap;
  std::size_t bytes_aes128;
  std::size_t bytes_aes256;
};
constexpr KeyRule kKeys[] = {{0x30, KeyWrap::rsa2048_oaep, 256, 256},
                             {0x31, KeyWrap::aes_kw, 24, 40},
                             {0x32, KeyWrap::ecies_p256, 113, 129},
                             {0x33, KeyWrap::ecies_x25519, 80, 96},
                             {0x34, KeyWrap::ecies_x25519_sha512, 112, 128}};

struct SignatureRule {
  std::uint16_t type;
  SignatureKind kind;
};
constexpr SignatureRule kSignatures[] = {{0x20, SignatureKind::rsa2048_pss}, {0x21, SignatureKind::ecdsa_p224},
                                         {0x22, SignatureKind::ecdsa},       {0x23, SignatureKind::rsa3072_pss},
                                         {0x24, SignatureKind::ed25519},     {0x25, SignatureKind::pure}};

template <class Rules>
const auto* rule_of(const Rules& rules, std::uint16_t type) {
  const auto* const found = std::ranges::find_if(rules, [type](const auto& rule) { return rule.type == type; });
  return found == std::end(rules) ? nullptr : found;
}

std::string bytes_text(std::size_t count) {
  return std::to_string(count) + " bytes";
}

struct Entry {
  std::uint16_t type = 0;
  std::uint64_t offset = 0;  ///< of its head in the file
  ByteView value;
  bool is_protected = false;

  [[nodiscard]] Error error(Errc code, std::string_view what) const { return error_at(offset, code, what); }
};

class TlvReader {
 public:
  TlvReader(const Source& source, McubootImage& image) : source_(source), image_(image) {}

  /// The size of the area with its head.
  Result<std::size_t> read_area(std::uint64_t offset, bool is_protected);

 private:
  Result<Bytes> load_area(std::uint64_t offset, bool is_protected) const;
  Result<void> read_entry(const Entry& entry);
  Result<void> read_digest(const Entry& entry, const HashRule& rule);
  Result<void> read_content_key(const Entry& entry, const KeyRule& rule);
  Result<void> read_dependency(const Entry& entry);
  Result<void> read_security_counter(const Entry& entry);

  const Source& source_;
  McubootImage& image_;
};

/// What follows the head of an area: at most 64 KiB, and not before they are known to be there.
Result<Bytes> TlvReader::load_area(std::uint64_t offset, bool is_protected) const {
  std::array<std::uint8_t, kAreaHeadBytes> head{};
  if (offset + head.size() > source_.size()) return error_at(offset, Errc::invalid, "the image is cut off");
  if (auto read = source_.read_at(offset, head); !read) return read.error();
  if (u16(head, 0) != (is_protected ? kProtectedMagic : kUnprotectedMagic)) {
    return error_at(offset, Errc::invalid, "wrong magic");
  }
  const std::size_t size = u16(head, 2);
  if (size < head.size()) return error_at(offset + 2, Errc::invalid, "an area shorter than its head");
  if (offset + size > source_.size()) {
    return error_at(offset + 2, Errc::invalid, "an area of " + bytes_text(size) + ": the image is cut off");
  }
  Bytes area(size - head.size());
  if (auto read = source_.read_at(offset + head.size(), area); !read) return read.error();
  return area;
}

Result<std::size_t> TlvReader::read_area(std::uint64_t offset, bool is_protected) {
  const auto area = load_area(offset, is_protected);
  if (!area) return area.error();
  Entry entry;
  entry.is_protected = is_protected;
  entry.offset = offset + kAreaHeadBytes;
  ByteView left(*area);
  while (!left.empty()) {
    if (left.size() < kEntryHeadBytes) return entry.error(Errc::invalid, "an entry is cut off");
    entry.type = u16(left, 0);
    const std::size_t length = u16(left, 2);
    left = left.subspan(kEntryHeadBytes);
    if (left.size() < length) {
      return entry.error(Errc::invalid, "an entry of " + bytes_text(length) + " goes beyond its area");
    }
    entry.value = left.first(length);
    if (auto read = read_entry(entry); !read) return read.error();
    left = left.subspan(length);
    entry.offset += kEntryHeadBytes + length;
  }
  return area->size() + kAreaHeadBytes;
}

/// Dependencies and the security counter decide only where they are protected: MCUboot looks for them nowhere else.
Result<void> TlvReader::read_entry(const Entry& entry) {
  if (const auto* const hash = rule_of(kHashes, entry.type)) return read_digest(entry, *hash);
  if (const auto* const key = rule_of(kKeys, entry.type)) return read_content_key(entry, *key);
  if (const auto* const signature = rule_of(kSignatures, entry.type)) image_.signatures.push_back(signature->kind);
  if (entry.type == kDependency && entry.is_protected) return read_dependency(entry);
  if (entry.type == kSecurityCounter && entry.is_protected) return read_security_counter(entry);
  return {};
}

Result<void> TlvReader::read_digest(const Entry& entry, const HashRule& rule) {
  if (entry.is_protected) return entry.error(Errc::invalid, "an image hash in the area that it covers");
  if (!image_.digest.empty()) return entry.error(Errc::invalid, "more than one image hash");
  if (entry.value.size() != rule.bytes) {
    return entry.error(Errc::invalid,
                       "an image hash of " + bytes_text(entry.value.size()) + ", it has " + std::to_string(rule.bytes));
  }
  image_.digest = *Digest::from_bytes(entry.value);
  return {};
}

/// Which of several keys a bootloader takes hangs on how it was built, and an overlay would replace only one of them.
Result<void> TlvReader::read_content_key(const Entry& entry, const KeyRule& rule) {
  const std::string name(name_of(rule.wrap));
  if (entry.is_protected) return entry.error(Errc::invalid, name + " in the protected area");
  if (!image_.cipher) return entry.error(Errc::invalid, name + " without an ENCRYPTED flag");
  if (image_.content_key) {
    const auto first = image_.content_key->wrap;
    return entry.error(Errc::invalid,
                       name + (first == rule.wrap ? " twice" : " beside " + std::string(name_of(first))));
  }
  const bool is_aes128 = image_.cipher == ContentCipher::aes128_ctr;
  const std::size_t wanted = is_aes128 ? rule.bytes_aes128 : rule.bytes_aes256;
  if (entry.value.size() != wanted) {
    return entry.error(Errc::invalid, name + " of " + bytes_text(entry.value.size()) + ", with " +
                                          (is_aes128 ? "AES-128" : "AES-256") + " it has " + std::to_string(wanted));
  }
  image_.content_key = ContentKey{rule.wrap, entry.offset + kEntryHeadBytes, wanted};
  return {};
}

Result<void> TlvReader::read_dependency(const Entry& entry) {
  if (entry.value.size() != kDependencyBytes) {
    return entry.error(Errc::invalid, "a dependency of " + bytes_text(entry.value.size()) + ", it has 12");
  }
  if (image_.dependencies.size() == kMaxDependencies) {
    return entry.error(Errc::too_large, "more than " + std::to_string(kMaxDependencies) + " dependencies");
  }
  image_.dependencies.push_back({entry.value[0], version_at(entry.value, kDependencyBytes - kVersionBytes)});
  return {};
}

Result<void> TlvReader::read_security_counter(const Entry& entry) {
  if (image_.security_counter) return entry.error(Errc::invalid, "more than one security counter");
  if (entry.value.size() != kSecurityCounterBytes) {
    return entry.error(Errc::invalid, "a security counter of " + bytes_text(entry.value.size()) + ", it has 4");
  }
  image_.security_counter = u32(entry.value, 0);
  return {};
}

}  // namespace

Result<std::uint64_t> read_tlvs(const Source& source, std::uint64_t offset, std::uint16_t protected_bytes,
                                McubootImage& image) {
  TlvReader reader(source, image);
  if (protected_bytes != 0) {
    const auto size = reader.read_area(offset, true);
    if (!size) return size.error().within("protected");
    if (*size != protected_bytes) {
      return error_at(offset + 2, Errc::invalid,
                      "an area of " + bytes_text(*size) + ", the header says " + std::to_string(protected_bytes))
          .within("protected");
    }
    offset += *size;
  }
  const auto size = reader.read_area(offset, false);
  if (!size) return size.error();
  return offset + *size;
}

}  // namespace hg::images
