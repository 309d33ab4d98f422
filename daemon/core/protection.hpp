// SPDX-License-Identifier: Apache-2.0
// How images are hidden on their way: the keys of contents and of children, what a child gets in the place of the
// shared bytes, and what an administrator asks for. Plain values, kept in model.hpp's State; no key stands in them in
// the clear. Judged by core/preflight; what is in the clear is for ports::KeySafe alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/time.hpp"
#include "core/names.hpp"

namespace hg::core {

/// What hides an image from whoever listens on its way to a child, weakest first.
enum class Protection : std::uint8_t {
  none,
  internal,   ///< the link is inside one housing: an administrator declared it
  link,       ///< the link encrypts and knows the child: DTLS, bonded LE Secure Connections
  rewrapped,  ///< ciphertext, its key wrapped by this gateway for the child's key
  sealed,     ///< ciphertext, its key wrapped for the child by the vendor: this gateway could not read it
};

/// What speaks for it.
struct Protected {
  Protection kind = Protection::none;
  bool is_claimed = false;  ///< somebody says so (a link, a profile), and nothing shows it

  friend bool operator==(const Protected&, const Protected&) = default;
};

/// What a child must have before an image goes to it. From its profile at every start; not persisted.
struct ProtectionPolicy {
  Protection least = Protection::internal;
  bool takes_claims = true;      ///< false: what is only claimed counts as nothing
  bool sealed_by_vendor = true;  ///< its images come sealed for it: what this gateway cannot open is passed on
  std::uint8_t tier = 0;         ///< which keys it may have (docs/keys.md): 1 shared, 2 pairs, 3 in hardware; 0: any

  friend bool operator==(const ProtectionPolicy&, const ProtectionPolicy&) = default;
};

// --------------------------------------------------------------------------------------------------- content keys

/// How the content key of an image is wrapped: MCUboot's TLVs (smp.md 5), or SUIT's COSE_Encrypt (parameter 19).
enum class Wrap : std::uint8_t { unknown, rsa2048, aes_kw, ec256, x25519, x25519_sha512, cose };

/// Where the wrapped key of an encrypted image stands. Only of images that are encrypted.
struct Sealing {
  Wrap wrap = Wrap::unknown;
  unsigned key_bits = 0;     ///< of the content key: 128 or 256; COSE: 192 as well
  std::uint64_t offset = 0;  ///< of the wrapped key in the file; COSE: it is not in the file
  std::uint32_t size = 0;    ///< of it, bytes
  Bytes info{};              ///< COSE: the SUIT_Encryption_Info as it was signed, at most 8 KiB

  friend bool operator==(const Sealing&, const Sealing&) = default;
};

inline constexpr std::size_t kMaxSealingInfo = 8192;  ///< bytes of Sealing::info

/// A content key that this gateway holds, sealed under its store key.
struct ContentKey {
  Digest image;        ///< of the sealed bytes that it opens
  Bytes sealed;        ///< opaque
  Digest fingerprint;  ///< equal for equal keys, and tells nothing of them
  Digest
      plaintext;  ///< of what it encrypts: the running digest, or SHA-256 of the plain payload. One key, one plaintext
  std::optional<Instant> not_after{};  ///< granted until then

  friend bool operator==(const ContentKey&, const ContentKey&) = default;
};

inline constexpr std::size_t kMaxSealedKey = 256;  ///< bytes of ContentKey::sealed

// ------------------------------------------------------------------------------------------------- keys of children

enum class KeyUse : std::uint8_t {
  wrap,      ///< content keys are wrapped for it
  identify,  ///< the child kit's mutual identification
  link,      ///< DTLS, the pairing of a Bluetooth link
};

enum class KeyKind : std::uint8_t {
  aes,          ///< shared: 16 or 32 bytes
  hmac,         ///< shared: 32 bytes
  psk,          ///< shared: 16 to 64 bytes
  p256,         ///< the public half
  x25519,       ///< the public half
  ed25519,      ///< the public half
  certificate,  ///< pinned by its digest
  passkey,      ///< shared: the six decimal digits of a Bluetooth pairing
};

/// One for each use; another one takes its place (rotation).
struct ChildKey {
  KeyUse use = KeyUse::wrap;
  KeyKind kind = KeyKind::p256;
  Digest id;         ///< SHA-256 of the SubjectPublicKeyInfo or certificate; of a secret: its fingerprint
  std::string name;  ///< kid, or the identity of a PSK; may be empty for `wrap`
  Bytes value;       ///< SubjectPublicKeyInfo or certificate in DER; of a secret: sealed under the store key
  Instant since{};
  std::uint32_t set_by = 0;  ///< uid

  friend bool operator==(const ChildKey&, const ChildKey&) = default;
};
using ChildKeys = std::map<KeyUse, ChildKey>;

/// Whether a key of this kind is of use for this, and a child of this tier may have it (docs/keys.md).
bool tier_takes(std::uint8_t tier, KeyUse use, KeyKind kind);

/// Whether the value is a secret, which is sealed and never shown.
constexpr bool is_secret(KeyKind kind) {
  return kind == KeyKind::aes || kind == KeyKind::hmac || kind == KeyKind::psk || kind == KeyKind::passkey;
}

// -------------------------------------------------------------------------------------------------------------- views

/// Bytes that stand in the place of those of the shared file.
struct Patch {
  std::uint64_t offset = 0;
  Bytes bytes;

  friend bool operator==(const Patch&, const Patch&) = default;
};
inline constexpr std::size_t kMaxPatches = 8;
inline constexpr std::size_t kMaxPatchBytes = 4096;   ///< of all patches of a view
inline constexpr std::size_t kMaxRecordBytes = 1024;  ///< of a delivery record

/// An image as one child gets it. Made once and reused byte for byte as long as the update lasts: wraps differ each
/// time, and a child resumes only what is the same.
struct View {
  Digest digest;               ///< SHA-256 of the file as it leaves
  Digest key;                  ///< the child's key (ChildKey::id) that it was made for
  std::vector<Patch> patches;  ///< ascending, none overlaps another, all within the file
  Bytes record{};              ///< COSE_Encrypt with the one recipient, for SUIT children; empty: none

  friend bool operator==(const View&, const View&) = default;
};
using Views = std::map<Digest, View>;  ///< by the sealed bytes that they are of

// --------------------------------------------------------------------------------------------------------- enrollment

/// Who made a child known.
enum class Origin : std::uint8_t { configuration, command, list, policy };

/// Where a child is to be found: by which plugin, and its address there.
using Address = std::pair<std::string, std::string>;

/// What is remembered of a child that the configuration does not name: by headgatectl, by a signed list, or because a
/// policy takes all of its class. Its link is never `internal`: that only the configuration says.
struct Registration {
  ChildId id;
  std::string transport;
  std::string address;
  std::string profile;
  Uuid vendor{};
  Uuid device_class{};
  std::vector<std::pair<std::string, std::uint8_t>> targets;  ///< component, image number; at least one
  Origin origin = Origin::command;
  std::string by;  ///< "uid 1000", the signers of the list, the name of the policy
  Instant at{};

  friend bool operator==(const Registration&, const Registration&) = default;
};

/// Somebody that a plugin has met and nobody has enrolled: listed, and given nothing. Not persisted.
struct Discovered {
  ChildId id;
  std::string transport;
  std::string address;
  std::optional<Uuid> vendor{};  ///< as it claims
  std::optional<Uuid> device_class{};
  std::string text;  ///< what it says of itself, for people
  Instant at{};

  friend bool operator==(const Discovered&, const Discovered&) = default;
};
inline constexpr std::size_t kMaxDiscovered = 1024;
inline constexpr std::size_t kMaxRegistrations = 100000;

std::string_view name_of(Protection protection);  ///< "none", "internal-link", "link", "re-wrapped", "sealed"
std::string_view name_of(Wrap wrap);              ///< "EC256", "X25519", "AES-KW", "COSE", ...
std::string_view name_of(KeyUse use);             ///< "wrap", "identify", "link"
std::string_view name_of(KeyKind kind);           ///< "p256", "aes", ...
std::string_view name_of(Origin origin);
std::optional<Protection> protection_from(std::string_view name);
std::optional<Wrap> wrap_from(std::string_view name);
std::optional<KeyUse> key_use_from(std::string_view name);
std::optional<KeyKind> key_kind_from(std::string_view name);
std::optional<Origin> origin_from(std::string_view name);

}  // namespace hg::core
