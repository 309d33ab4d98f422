// SPDX-License-Identifier: Apache-2.0
// What an operator or a list brings as a child's key: tells its kind by use and form, and refuses what must not be
// there. Public halves are kept as they are, in one form; secrets come out in locked memory, to be sealed by key_safe,
// which alone calls this.
#pragma once

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "core/protection.hpp"

namespace hg::crypto {

inline constexpr std::size_t kMostKeyMaterial = 16 * 1024;  ///< bytes

inline constexpr std::size_t kPasskeyDigits = 6;
inline constexpr std::size_t kListedPasskey = 16;  ///< bytes of a passkey in a list: its digits, then zeros

/// Whether these are the six decimal digits of a pairing's passkey: any, since a device may have been given any.
inline bool is_passkey(ByteView text) {
  return text.size() == kPasskeyDigits &&
         std::ranges::all_of(text, [](std::uint8_t c) { return c >= '0' && c <= '9'; });
}

struct ChildKeyMaterial {
  core::KeyKind kind = core::KeyKind::p256;
  Digest id;         ///< of what is public: SHA-256 of `value`; of secrets empty
  Bytes value;       ///< SubjectPublicKeyInfo or certificate in DER; of secrets empty
  Secret secret{0};  ///< of what is public empty
};

/// `material`: one "PUBLIC KEY" or "CERTIFICATE" in PEM, or the bytes of a secret, or these as hexadecimal text.
/// wrap: P-256, X25519, AES of 16 or 32 bytes; identify: P-256, Ed25519, HMAC of 32 bytes; link: a certificate, PSK of
/// 16 to 64 bytes, a passkey of six decimal digits as text. Everything else is Errc::invalid or Errc::unsupported and
/// says what it is and what is wanted: private keys, RSA, other curves and lengths.
Result<ChildKeyMaterial> read_child_key(core::KeyUse use, ByteView material);

/// The same from a public half or certificate in DER, and from the bytes of a secret.
Result<ChildKeyMaterial> read_public_child_key(core::KeyUse use, ByteView der);
/// A list has only secrets of 16 or 32 bytes: there a passkey has kListedPasskey, of which the last ten are zero.
Result<ChildKeyMaterial> read_secret_child_key(core::KeyUse use, Secret secret);

/// Whether a key may be called that: identify needs 1 to 32 bytes (its kid), link with a PSK 1 to 64, the others
/// at most 64. Printable ASCII. Errc::invalid.
Result<void> check_key_name(core::KeyUse use, core::KeyKind kind, std::string_view name);

}  // namespace hg::crypto
