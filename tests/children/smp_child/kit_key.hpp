// SPDX-License-Identifier: Apache-2.0
// The child's key for the kit (docs/child-protocol.md): an HMAC key that it shares with its gateway, or a key pair of
// its own and the gateway's public key. Used by the kit group.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <filesystem>
#include <memory>

#include "bytes.hpp"

namespace smp_child {

class KitKey {
 public:
  /// `own`: hexadecimal digits of an HMAC key, or a private key in PEM (P-256 or Ed25519); an empty path: no key.
  /// `gateways`: the public key, for signatures. Throws std::runtime_error for what is neither.
  KitKey(const std::filesystem::path& own, const std::filesystem::path& gateways);

  /// As COSE numbers it; 0: no key.
  [[nodiscard]] std::int32_t algorithm() const;
  [[nodiscard]] bool signs() const { return own_ != nullptr; }

  /// The MAC (32 bytes) or the signature (64); empty if it cannot be made.
  [[nodiscard]] Bytes tag(ByteView message) const;

  /// Whether the gateway's signature holds.
  [[nodiscard]] bool holds(ByteView message, ByteView tag) const;

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  static Key read_pem(const std::filesystem::path& file, bool is_private);

  Bytes secret_;
  Key own_{nullptr, EVP_PKEY_free};
  Key gateways_{nullptr, EVP_PKEY_free};
};

}  // namespace smp_child
