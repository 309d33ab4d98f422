// SPDX-License-Identifier: Apache-2.0
// A public key as a COSE_Key (RFC 9052 §7, RFC 9053 §7): reads and writes it. Whether the point is on its curve is for
// adapters/crypto. Used by encrypted (ephemeral keys) and adapters/crypto.
#pragma once

#include "base/cbor.hpp"
#include "cose/algorithms.hpp"

namespace hg::cose {

/// Coordinates have the size of the curve.
struct PublicKey {
  Curve curve = Curve::none;
  ByteView x;
  ByteView y;                  ///< empty for X25519 and Ed25519
  std::int64_t algorithm = 0;  ///< the only algorithm that the key is for; 0: any of its curve
};

/// Refused by name: private and symmetric keys, other types and curves than the table's, compressed points, coordinates
/// of the wrong size, "key_ops" (none is understood), members that are missing, of the wrong type or there twice.
/// Other members are skipped.
Result<PublicKey> read_key(cbor::Reader& reader);

/// In deterministic encoding.
Bytes write_key(const PublicKey& key);

}  // namespace hg::cose
