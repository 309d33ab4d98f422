// SPDX-License-Identifier: Apache-2.0
// The gateway's half of the child kit's mutual identification (docs/child-protocol.md, "Who is there: identify and
// prove"): reads what a child answered, after its MAC or signature was found good and not before, and writes the
// proof. Knows bodies and keys in the clear; whose they are and where they are kept is for key_safe, which calls it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::crypto {

inline constexpr std::size_t kMostEvidence = 1024;  ///< bytes of the body of an answer to identify

/// The algorithms of the protocol, as it numbers them.
enum class KitAlgorithm : std::int64_t { hmac_sha256 = 5, es256 = -7, eddsa = -8 };

/// Whether the tag over the message is of the child's key.
using KitCheck = std::function<bool(ByteView message, ByteView tag)>;

struct KitClaims {
  std::string identity;  ///< 1 to 64 bytes
  Bytes nonce;           ///< the child's: 16 to 32 bytes
};

/// What a child claims in the body of its answer to identify, proven over the gateway's `nonce` by the key `key_id`.
/// Strict CBOR. Errc::unauthenticated: no MAC, one that does not hold, another key or algorithm than expected;
/// Errc::invalid: not such an answer; Errc::too_large.
Result<KitClaims> read_evidence(ByteView body, ByteView nonce, KitAlgorithm algorithm, std::string_view key_id,
                                const KitCheck& is_of_child);

/// What the gateway's MAC or signature covers.
Bytes proof_message(ByteView key_id, ByteView nonce, const KitClaims& claims);

/// The body of the request `prove`.
Bytes proof_body(ByteView key_id, ByteView tag);

}  // namespace hg::crypto
