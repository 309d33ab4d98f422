// SPDX-License-Identifier: Apache-2.0
// Public keys in their forms: SubjectPublicKeyInfo (PEM or DER), COSE_Key, and OpenSSL's object. Decides which curves
// there are and that a point is on its own; what a key may be used for is for keys, private_key and content_keys.
// Called by them, and by headgate-pack, which writes keys into root files.
#pragma once

#include <openssl/types.h>

#include <string_view>

#include "adapters/crypto/openssl.hpp"
#include "base/digest.hpp"
#include "cose/key.hpp"

namespace hg::crypto {

/// The coordinates of a public key.
struct Point {
  cose::Curve curve = cose::Curve::none;
  Bytes x;
  Bytes y;  ///< empty for X25519 and Ed25519

  /// Slices of this.
  [[nodiscard]] cose::PublicKey view() const { return {curve, x, y, 0}; }
};

/// Of a public or private key. Unsupported with its name: RSA (below 2048 bits as too weak), other curves than those
/// of cose::find_curve(), anything else.
Result<Point> point_of(const EVP_PKEY* key);

/// OpenSSL's object, always with an uncompressed point, so that a key has one SubjectPublicKeyInfo. Invalid: a point
/// off its curve; for Ed25519 also y >= p, and the weak points of small order, whose signatures anybody makes.
Result<Owned<EVP_PKEY>> key_from(const cose::PublicKey& key);

/// One "PUBLIC KEY". Refused by name: private keys, more than one PEM block, and what point_of() and key_from() refuse.
Result<Owned<EVP_PKEY>> key_from_pem(std::string_view pem);

/// One SubjectPublicKeyInfo in DER, and nothing after it. Refused by name: what point_of() and key_from() refuse.
Result<Owned<EVP_PKEY>> key_from_spki(ByteView der);

/// SHA-256 of the SubjectPublicKeyInfo: the kid that headgate writes.
Result<Digest> key_id_of(EVP_PKEY* key);
Digest key_id_of(const cose::PublicKey& key);
Result<Digest> key_id_of_pem(std::string_view pem);

/// COSE_Key in deterministic CBOR, without kid and alg.
Result<Bytes> cose_key_from_pem(std::string_view pem);

/// The text of one "PUBLIC KEY".
Result<std::string> pem_of(EVP_PKEY* key);

}  // namespace hg::crypto
