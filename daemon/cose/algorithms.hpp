// SPDX-License-Identifier: Apache-2.0
// The algorithms of COSE that headgate knows, as data: IANA's number and name, what for, which key, which sizes. One
// row makes an algorithm known to the readers of cose (which check lengths by it) and to adapters/crypto (which does
// the mathematics by it); what no row names is refused by number. Used by both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hg::cose {

enum class Purpose : std::uint8_t { signature, mac, content, key_wrap, key_agreement };

/// "signature", "MAC", "content", "key wrap", "key agreement"
std::string_view name_of(Purpose purpose);

/// IANA "COSE Elliptic Curves".
enum class Curve : std::int64_t { none = 0, p256 = 1, p384 = 2, p521 = 3, x25519 = 4, ed25519 = 6 };

inline constexpr std::int64_t kKeyTypeOkp = 1;  // RFC 9053 §7
inline constexpr std::int64_t kKeyTypeEc2 = 2;

struct CurveFacts {
  Curve curve;
  std::string_view name;
  std::int64_t key_type;        ///< COSE kty
  std::size_t coordinate_size;  ///< bytes of x, and of y where there is one
  bool can_agree;               ///< has a Diffie-Hellman function
};

/// Nothing for other numbers.
const CurveFacts* find_curve(std::int64_t number);

/// For a curve that is not `none`.
const CurveFacts& facts_of(Curve curve);

struct Algorithm {
  std::int64_t number;  ///< IANA "COSE Algorithms"
  std::string_view name;
  Purpose purpose;
  Curve curve;              ///< signatures: the only curve it is done with (RFC 9864); else none
  std::size_t key_size;     ///< bytes of the symmetric key; of the KEK for key agreement; 0 for signatures
  std::size_t hash_size;    ///< bytes of the SHA-2 digest inside (also of HKDF's); 0: none, or the algorithm's own
  std::size_t output_size;  ///< bytes of the signature, of the MAC, or of the tag after a ciphertext; else 0
  std::size_t iv_size;      ///< bytes; content only
  std::int64_t wrapping;    ///< key agreement: the number of the key wrap that its KEK is for; else 0
};

/// Refused by number: what is not known ("signature algorithm -257 is not accepted") and what is for something else
/// ("AES-128-GCM is no signature algorithm"). Errors: unsupported.
Result<Algorithm> find_algorithm(std::int64_t number, Purpose purpose);

/// Bytes that AES key wrap (RFC 3394) adds to a key.
inline constexpr std::size_t kWrapOverhead = 8;

}  // namespace hg::cose
