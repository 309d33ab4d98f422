// SPDX-License-Identifier: Apache-2.0
// The three steps of mathematics below content_keys and mcuboot_wraps, over OpenSSL 3 EVP. Private to adapters/crypto.
#pragma once

#include "adapters/crypto/openssl.hpp"
#include "base/secret.hpp"
#include "cose/algorithms.hpp"

namespace hg::crypto {

/// AES key wrap (RFC 3394) with a key of 16, 24 or 32 bytes: 8 bytes longer. Errors: internal.
Result<Bytes> wrap_key(ByteView wrapping, ByteView key);

/// Errors: unauthenticated (another key wrapped it).
Result<Secret> unwrap_key(ByteView wrapping, ByteView wrapped);

/// The shared secret of a private and a public key of one curve (for EC its x coordinate). `peer` is of key_from(),
/// which has checked that its point is on the curve; OpenSSL's own check, half as long as the agreement, is left out.
/// Errors: invalid (another curve, or the secret is all zero); unavailable (whoever has the private key, a TPM, does
/// not answer: it says nothing of the public one).
Result<Secret> agree(EVP_PKEY* own, EVP_PKEY* peer);

/// HKDF (RFC 5869) with the SHA-2 whose digest has `digest_bytes`; an empty salt is none. Errors: internal.
Result<Secret> derive_key(ByteView secret, ByteView salt, ByteView info, std::size_t size,
                          std::size_t digest_bytes = 32);

/// A fresh pair of keys of a curve that can agree. Errors: internal.
Result<Owned<EVP_PKEY>> generate_key(cose::Curve curve);

}  // namespace hg::crypto
