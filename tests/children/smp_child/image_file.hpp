// SPDX-License-Identifier: Apache-2.0
// A MCUboot image as it stands in a slot (smp.md 5): header, TLVs, version, hash, dependencies, security counter; and
// the hash over its content. Signatures are not checked. Used by the bootloader, the recovery and the image group.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bytes.hpp"
#include "flash.hpp"

namespace smp_child {

inline constexpr std::size_t kImageHeaderSize = 32;

struct Version {
  std::uint8_t major = 0, minor = 0;
  std::uint16_t revision = 0;
  std::uint32_t build = 0;

  /// From the 8 bytes of an image header.
  static Version from_bytes(ByteView bytes);

  /// "1.2.3", and ".4" behind it unless the build is 0.
  [[nodiscard]] std::string text() const;

  [[nodiscard]] Version without_build() const { return {major, minor, revision, 0}; }

  friend std::strong_ordering operator<=>(const Version&, const Version&) = default;
};

struct Dependency {
  std::size_t image;
  Version at_least;
};

/// A TLV with the content key of an encrypted image.
struct WrappedKey {
  std::uint16_t type;
  Bytes value;
};

struct ImageInfo {
  Version version;
  Bytes hash;  // the SHA TLV
  bool bootable = true;
  std::optional<WrappedKey> content_key;  // the payload is encrypted while it is in the secondary slot
  std::optional<std::uint32_t> security_counter;
  std::uint64_t payload = 0;      // where it begins
  std::uint64_t payload_end = 0;  // and ends
  std::uint64_t hashed = 0;       // bytes that the hash covers: header, payload, protected TLVs
  std::uint64_t end = 0;          // bytes of the whole image
  std::vector<Dependency> dependencies;
};

/// Whether these bytes begin with the magic number of an image header.
bool has_image_magic(ByteView bytes);

/// The version in an image header.
Version version_in_header(ByteView header);

/// The image in a slot; nothing if header or TLVs are not there or have no hash of `sha_size` (32, 48 or 64) bytes.
std::optional<ImageInfo> read_image(const Slot& slot, std::size_t sha_size);

/// Whether this content, which begins with the image, has the hash that its TLV says.
bool hash_is_right(ByteView content, const ImageInfo& image);

/// Whether the end of the slot has the trailer that imgtool's --pad writes.
bool has_trailer_magic(const Slot& slot);

/// Whether that trailer has "image ok" set, as --confirm does.
bool trailer_says_confirmed(const Slot& slot);

Bytes sha256(ByteView bytes);

}  // namespace smp_child
