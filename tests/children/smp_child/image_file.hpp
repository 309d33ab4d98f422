// SPDX-License-Identifier: Apache-2.0
// A MCUboot image as it stands in a slot (smp.md 5): header, TLVs, version, hash, dependencies; and the check of the
// hash that the bootloader makes. Signatures are not checked. Used by the bootloader and the image group.
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

struct ImageInfo {
  Version version;
  Bytes hash;  // the SHA-256 TLV
  bool bootable = true;
  bool ciphertext = false;   // payload encrypted: the hash cannot be checked without the key
  std::uint64_t hashed = 0;  // bytes that the hash covers: header, payload, protected TLVs
  std::uint64_t end = 0;     // bytes of the whole image
  std::vector<Dependency> dependencies;
};

/// Whether these bytes begin with the magic number of an image header.
bool has_image_magic(ByteView bytes);

/// The version in an image header.
Version version_in_header(ByteView header);

/// The image in a slot; nothing if header or TLVs are not there or have no hash.
std::optional<ImageInfo> read_image(const Slot& slot);

/// Whether the content of the slot has the hash that its TLV says. True for ciphertext.
bool hash_is_right(const Slot& slot, const ImageInfo& image);

Bytes sha256(ByteView bytes);

}  // namespace smp_child
