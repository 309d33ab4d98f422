// SPDX-License-Identifier: Apache-2.0
// The private keys that a user of headgate-pack signs with, and the guard against signing twice with one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/crypto/private_key.hpp"
#include "cose/key_ring.hpp"

namespace hg::pack {

/// Keys by path or URI; at least one. Errors name the key; refused: the same key twice.
class Signers {
 public:
  static Result<Signers> load(const std::vector<std::string>& uris);

  [[nodiscard]] std::vector<const cose::Signer*> all() const;
  [[nodiscard]] auto begin() const { return keys_.begin(); }
  [[nodiscard]] auto end() const { return keys_.end(); }

 private:
  std::vector<std::unique_ptr<crypto::PrivateKey>> keys_;
};

/// A ring of the key's public half alone: which signatures are its own.
Result<std::unique_ptr<cose::KeyRing>> ring_of(const crypto::PrivateKey& key);

}  // namespace hg::pack
