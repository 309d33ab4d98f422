// SPDX-License-Identifier: Apache-2.0
#include "pack/signers.hpp"

#include <algorithm>

#include "adapters/crypto/keys.hpp"

namespace hg::pack {

Result<Signers> Signers::load(const std::vector<std::string>& uris) {
  Signers signers;
  for (const std::string& uri : uris) {
    auto key = crypto::PrivateKey::load(uri);
    if (!key) return key.error();
    const auto is_same = [&](const auto& other) { return other->cose_key() == (*key)->cose_key(); };
    if (std::ranges::any_of(signers.keys_, is_same)) return Error{Errc::exists, uri + ": the same key twice"};
    signers.keys_.push_back(std::move(*key));
  }
  return signers;
}

std::vector<const cose::Signer*> Signers::all() const {
  std::vector<const cose::Signer*> all;
  for (const auto& key : keys_) all.push_back(key.get());
  return all;
}

Result<std::unique_ptr<cose::KeyRing>> ring_of(const crypto::PrivateKey& key) {
  auto ring = std::make_unique<crypto::Keys>();
  if (const Result<void> added = ring->add("this key", key.public_pem()); !added) return added.error();
  return std::unique_ptr<cose::KeyRing>(std::move(ring));
}

}  // namespace hg::pack
