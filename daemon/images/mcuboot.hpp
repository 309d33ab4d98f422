// SPDX-License-Identifier: Apache-2.0
// Looks into a MCUboot image (docs/design.md and boot/bootutil of mcu-tools/mcuboot): header and TLVs, as a child's
// bootloader will. It tells version, encryption and the digest that a child will report when it runs the image, and
// checks that digest where the payload is plain. Signatures in the TLVs are the child's to check, with keys that the
// gateway need not have. Called by ingest before an image is sealed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "images/hashing.hpp"
#include "images/source.hpp"

namespace hg::images {

struct McubootVersion {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  std::uint16_t revision = 0;
  std::uint32_t build = 0;

  /// "1.2.3", or "1.2.3.4" if there is a build number.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const McubootVersion&, const McubootVersion&) = default;
};

/// "Boots only beside image `image` of at least `minimum`" (TLV 0x40).
struct McubootDependency {
  std::uint8_t image = 0;
  McubootVersion minimum;

  friend bool operator==(const McubootDependency&, const McubootDependency&) = default;
};

struct McubootImage {
  McubootVersion version;
  std::uint32_t flags = 0;         ///< ih_flags
  std::uint32_t header_size = 0;   ///< bytes; the payload begins here
  std::uint32_t payload_size = 0;  ///< bytes
  bool encrypted = false;          ///< flagged so; the payload is ciphertext, or plain if it was made with --clear
  bool has_content_key = false;    ///< a TLV carries the wrapped content key
  bool payload_is_plain = false;   ///< the digest was computed over the payload as it stands
  bool has_trailer = false;        ///< ends in a slot trailer (--pad): must not be sent to a child that swaps
  Digest digest;                   ///< SHA TLV: what the child reports as the image's hash; 32, 48 or 64 bytes
  std::optional<std::uint32_t> security_counter;
  std::vector<McubootDependency> dependencies;

  friend bool operator==(const McubootImage&, const McubootImage&) = default;
};

/// Errors: unsupported (no MCUboot image, or the old format, by name), invalid (cut off, inconsistent), mismatch (the
/// payload is not what the digest says), and those of the source. Reads the payload once, in pieces.
Result<McubootImage> inspect(const Source& source, const Hashing& hashing);

/// Whether the bytes begin as a MCUboot image does, so that inspect() is worth trying.
bool looks_like_mcuboot(ByteView first_bytes);

}  // namespace hg::images
