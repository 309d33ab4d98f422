// SPDX-License-Identifier: Apache-2.0
// The signature algorithms of COSE that headgate accepts, as data, and one verification over OpenSSL 3 EVP. Decides
// which key fits which algorithm and how long a signature is; which keys are trusted is for anchors.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::crypto {

enum class KeyType { p256, p384, ed25519 };

struct SignatureAlgorithm {
  std::int64_t number;  ///< IANA "COSE Algorithms"
  std::string_view name;
  KeyType key_type;            ///< pinned: ES256 with another curve than P-256 is refused (RFC 9864)
  std::size_t signature_size;  ///< bytes, exact
};

/// Nothing for those that we do not accept.
std::optional<SignatureAlgorithm> find_algorithm(std::int64_t number);

/// The type of a public key, or unsupported with its name: weaker, unknown, or of no use here.
Result<KeyType> type_of(EVP_PKEY* key);

/// Whether `signature` (r || s, or Ed25519's 64 bytes) over `message` is the key's. The key must be of the algorithm's
/// type. A wrong length is simply false.
bool is_signature(const SignatureAlgorithm& algorithm, EVP_PKEY* key, ByteView message, ByteView signature);

}  // namespace hg::crypto
