// SPDX-License-Identifier: Apache-2.0
// What suit needs of cryptography, in suit's words: whether a signature is of a key that we trust, and SHA-256. Which
// keys are trusted, and how the mathematics is done, is the implementer's business (adapters/crypto).
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"

namespace hg::suit {

class TrustAnchors {
 public:
  TrustAnchors() = default;
  TrustAnchors(const TrustAnchors&) = delete;
  TrustAnchors& operator=(const TrustAnchors&) = delete;
  virtual ~TrustAnchors() = default;

  /// The name of the trusted key that made `signature` over `to_be_signed`.
  /// `algorithm` is a number of IANA's "COSE Algorithms"; `key_id` is the COSE header's kid, empty if it has none, and
  /// only a hint. Errors: unsupported (algorithm), unauthenticated (no trusted key made it).
  [[nodiscard]] virtual Result<std::string> verify(std::int64_t algorithm, ByteView key_id, ByteView to_be_signed,
                                                   ByteView signature) const = 0;

  [[nodiscard]] virtual Digest sha256(ByteView bytes) const = 0;
};

}  // namespace hg::suit
