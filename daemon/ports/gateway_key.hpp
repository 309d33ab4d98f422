// SPDX-License-Identifier: Apache-2.0
// This gateway's own private key, to which vendors wrap content keys. It never leaves its implementer (app makes one
// over adapters/crypto from a systemd credential); service/trust_records asks whether a grant can be used.
#pragma once

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"

namespace hg::ports {

class GatewayKey {
 public:
  virtual ~GatewayKey() = default;

  /// SHA-256 of the SubjectPublicKeyInfo: what grants name the gateway by.
  [[nodiscard]] virtual Digest id() const = 0;

  /// Whether the content key in a COSE_Encrypt (tag 96) comes out with this key; it is wiped at once. Errc::invalid,
  /// Errc::unsupported: not such a message; Errc::unauthenticated: wrapped for another key, or damaged.
  [[nodiscard]] virtual Result<void> opens(ByteView encrypted_key) const = 0;
};

}  // namespace hg::ports
