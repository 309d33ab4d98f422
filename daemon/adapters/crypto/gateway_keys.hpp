// SPDX-License-Identifier: Apache-2.0
// What this gateway itself can open and sign: its own key pair, wherever that is, and the key that it may share with a
// vendor. Decides which of the two fits a wrap. One thread at a time uses the private key, since the keys of some
// providers (a TPM's) allow no more. Made by app, called by key_safe.
#pragma once

#include <mutex>
#include <optional>

#include "adapters/crypto/content_keys.hpp"
#include "core/protection.hpp"

namespace hg::crypto {

class GatewayKeys {
 public:
  /// `shared`: for ENC_KW and AES-KW.
  GatewayKeys(AgreementKey own, std::optional<WrapKey> shared) : own_(std::move(own)), shared_(std::move(shared)) {}

  [[nodiscard]] const AgreementKey& own() const { return own_; }
  [[nodiscard]] const Digest& id() const { return own_.key_id(); }

  /// Of a wrap in a MCUboot image. Errors: unauthenticated (it is wrapped for another key, or damaged), unsupported (a
  /// kind of wrap that these keys cannot open), unavailable (the device that has the key does not answer), internal.
  [[nodiscard]] Result<ContentKey> open(core::Wrap kind, ByteView wrapped) const;

  /// Of a COSE_Encrypt (tag 96, nothing after it). Errors: the same; invalid (it is none).
  [[nodiscard]] Result<ContentKey> open(ByteView message) const;

  /// ES256. Errors: unsupported (no P-256 key), internal (also when the device that has the key refuses).
  [[nodiscard]] Result<Bytes> sign(ByteView message) const;

 private:
  AgreementKey own_;
  std::optional<WrapKey> shared_;
  mutable std::mutex in_use_;
};

}  // namespace hg::crypto
