// SPDX-License-Identifier: Apache-2.0
// Looks into a MCUboot image (docs/design.md and boot/bootutil of mcu-tools/mcuboot): header and TLVs, as a child's
// bootloader will. It tells version, encryption and the digest that a child will report when it runs the image, and
// checks that digest where the payload is plain. Signatures in the TLVs are the child's to check, with keys that the
// gateway need not have. Which image number of a child a file is for stands nowhere in it: the manifest's component
// says so; only dependencies name numbers. Called by adapters/inspection before an image is offered to anybody, and by
// whoever packs a deliverable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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

/// What the payload is encrypted with, in CTR mode from counter 0 on.
enum class ContentCipher { aes128_ctr, aes256_ctr };

/// How the content key is wrapped for the child (TLV 0x30 to 0x34).
enum class KeyWrap { rsa2048_oaep, aes_kw, ecies_p256, ecies_x25519, ecies_x25519_sha512 };

/// MCUboot's name of the TLV: "ENC_EC256".
std::string_view name_of(KeyWrap wrap);

/// The one wrapped content key, where it stands. No hash or signature covers it, so another wrap of the same length may
/// be laid over these bytes.
struct ContentKey {
  KeyWrap wrap = KeyWrap::rsa2048_oaep;
  std::uint64_t offset = 0;  ///< of the wrapped key in the file, after the TLV's head
  std::size_t size = 0;      ///< bytes

  friend bool operator==(const ContentKey&, const ContentKey&) = default;
};

/// TLV 0x20 to 0x25; `pure` marks that the other one signs the image itself, not its hash.
enum class SignatureKind { rsa2048_pss, ecdsa_p224, ecdsa, rsa3072_pss, ed25519, pure };

struct McubootImage {
  McubootVersion version;
  std::uint32_t flags = 0;              ///< ih_flags
  std::uint32_t header_size = 0;        ///< bytes; the payload begins here
  std::uint32_t payload_size = 0;       ///< bytes
  std::uint16_t protected_size = 0;     ///< bytes of the protected TLVs after the payload, which the digest covers
  bool encrypted = false;               ///< flagged so; the payload is ciphertext, or plain if it was made with --clear
  bool payload_is_plain = false;        ///< the digest was computed over the payload as it stands
  bool padded = false;                  ///< ends in a slot trailer (--pad): must not be sent to a child that swaps
  Digest digest;                        ///< SHA TLV: what the child reports as the image's hash; 32, 48 or 64 bytes
  std::optional<ContentCipher> cipher;  ///< if encrypted
  std::optional<ContentKey> content_key;  ///< if encrypted
  std::vector<SignatureKind> signatures;  ///< as they come; none: the image is not signed
  std::optional<std::uint32_t> security_counter;
  std::vector<McubootDependency> dependencies;

  /// Whether the bytes between header and TLVs hide the firmware.
  [[nodiscard]] bool is_ciphertext() const { return encrypted && !payload_is_plain; }

  [[nodiscard]] std::uint64_t payload_end() const { return std::uint64_t{header_size} + payload_size; }
  /// The first byte that the digest does not cover.
  [[nodiscard]] std::uint64_t covered_end() const { return payload_end() + protected_size; }

  friend bool operator==(const McubootImage&, const McubootImage&) = default;
};

/// Errors name the byte: unsupported (no MCUboot image, or the old format, by name), invalid (cut off, inconsistent),
/// mismatch (the payload is not what the digest says), and those of the source. Reads the file once, in pieces.
Result<McubootImage> inspect(const Source& source, const Hashing& hashing);

/// As inspect(), but reads header and TLVs only and computes no digest: `payload_is_plain` stays false. For an image
/// that was inspected when it came in.
Result<McubootImage> read_structure(const Source& source);

/// Whether the bytes begin as a MCUboot image does, so that inspect() is worth trying.
bool looks_like_mcuboot(ByteView first_bytes);

}  // namespace hg::images
