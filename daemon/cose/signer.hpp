// SPDX-License-Identifier: Apache-2.0
// One private key that signs, wherever it is kept. Implemented by adapters/crypto over OSSL_STORE; used by the writers
// of envelopes and trust records in headgate-pack. The daemon has no implementation: it never signs for an author.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::cose {

class Signer {
 public:
  Signer() = default;
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;
  virtual ~Signer() = default;

  [[nodiscard]] virtual std::int64_t algorithm() const = 0;  ///< IANA "COSE Algorithms"
  [[nodiscard]] virtual ByteView key_id() const = 0;         ///< SHA-256 of the SubjectPublicKeyInfo, 32 bytes

  /// The COSE form of the signature: r || s, or Ed25519's 64 bytes.
  [[nodiscard]] virtual Result<Bytes> sign(ByteView to_be_signed) const = 0;
};

}  // namespace hg::cose
