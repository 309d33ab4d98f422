// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/private_key.hpp"

#include <algorithm>
#include <utility>

#include "adapters/crypto/key_store.hpp"
#include "adapters/crypto/public_keys.hpp"
#include "adapters/crypto/signatures.hpp"

namespace hg::crypto {
namespace {

/// The fully specified ones (RFC 9864).
Result<std::int64_t> algorithm_of(cose::Curve curve) {
  switch (curve) {
    case cose::Curve::p256:
      return -9;
    case cose::Curve::p384:
      return -51;
    case cose::Curve::ed25519:
      return -19;
    default:
      return Error{Errc::unsupported, "nothing is signed with a " + std::string(cose::facts_of(curve).name) + " key"};
  }
}

}  // namespace

Result<std::unique_ptr<PrivateKey>> PrivateKey::load(const std::string& uri) {
  auto key = load_private_key(uri);
  if (!key) return key.error();
  auto made = from(std::move(*key));
  if (!made) return made.error().within("private key " + uri);
  return made;
}

Result<std::unique_ptr<PrivateKey>> PrivateKey::from_pem(std::string_view pem) {
  auto key = private_key_from_pem(pem);
  if (!key) return key.error();
  return from(std::move(*key));
}

Result<std::unique_ptr<PrivateKey>> PrivateKey::from(Owned<EVP_PKEY> key) {
  const auto point = point_of(key.get());
  if (!point) return point.error();
  const auto algorithm = algorithm_of(point->curve);
  if (!algorithm) return algorithm.error();
  const auto public_key = key_from(point->view());
  if (!public_key) return public_key.error();
  const auto key_id = key_id_of(public_key->get());
  if (!key_id) return key_id.error();
  auto pem = pem_of(public_key->get());
  if (!pem) return pem.error();
  std::unique_ptr<PrivateKey> made(
      new PrivateKey);  // NOLINT(cppcoreguidelines-owning-memory): the constructor is private
  made->key_ = std::move(key);
  made->algorithm_ = *algorithm;
  made->key_id_ = *key_id;
  made->public_pem_ = std::move(*pem);
  made->cose_key_ = cose::write_key(point->view());
  return made;
}

Result<Bytes> PrivateKey::sign(ByteView to_be_signed) const {
  const auto rule = cose::find_algorithm(algorithm_, cose::Purpose::signature);
  if (!rule) return rule.error();
  return crypto::sign(*rule, key_.get(), to_be_signed);
}

}  // namespace hg::crypto
