// SPDX-License-Identifier: Apache-2.0
// A private key that signs, wherever OSSL_STORE finds it. Which key that is and what is signed is for headgate-pack,
// which alone makes these: the daemon signs nothing for authors.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "adapters/crypto/openssl.hpp"
#include "base/digest.hpp"
#include "cose/signer.hpp"

namespace hg::crypto {

/// P-256 signs as ESP256 (-9), P-384 as ESP384 (-51), Ed25519 as Ed25519 (-19).
class PrivateKey : public cose::Signer {
 public:
  /// A path or a URI (key_store.hpp). Refused by name: other types of keys, and what load_private_key() refuses.
  static Result<std::unique_ptr<PrivateKey>> load(const std::string& uri);

  /// The text of a PEM file with one private key.
  static Result<std::unique_ptr<PrivateKey>> from_pem(std::string_view pem);

  [[nodiscard]] std::int64_t algorithm() const override { return algorithm_; }
  [[nodiscard]] ByteView key_id() const override { return key_id_.bytes(); }
  [[nodiscard]] Result<Bytes> sign(ByteView to_be_signed) const override;

  /// The public half: one "PUBLIC KEY" in PEM, and a COSE_Key without kid and alg.
  [[nodiscard]] const std::string& public_pem() const { return public_pem_; }
  [[nodiscard]] const Bytes& cose_key() const { return cose_key_; }

 private:
  PrivateKey() = default;
  static Result<std::unique_ptr<PrivateKey>> from(Owned<EVP_PKEY> key);

  Owned<EVP_PKEY> key_;
  std::int64_t algorithm_ = 0;
  Digest key_id_;
  std::string public_pem_;
  Bytes cose_key_;
};

}  // namespace hg::crypto
