// SPDX-License-Identifier: Apache-2.0
// One signature or MAC of COSE over OpenSSL 3 EVP, by a row of cose's table of algorithms: made and checked. Which keys
// are trusted is for keys; where a private key lies is for private_key. Called by both.
#pragma once

#include <openssl/types.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "cose/algorithms.hpp"

namespace hg::crypto {

/// Whether `signature` (r || s, or Ed25519's 64 bytes) over `message` is the key's. The key must be of the algorithm's
/// curve. A wrong length is simply false.
bool is_signature(const cose::Algorithm& algorithm, EVP_PKEY* key, ByteView message, ByteView signature);

/// The COSE form of the signature. The key must be of the algorithm's curve. Errors: internal (also when the device
/// that has the key refuses).
Result<Bytes> sign(const cose::Algorithm& algorithm, EVP_PKEY* key, ByteView message);

/// The MAC over `message`. Errors: internal.
Result<Bytes> mac(const cose::Algorithm& algorithm, ByteView secret, ByteView message);

/// Whether `tag` over `message` is the secret's; compared in constant time.
bool is_mac(const cose::Algorithm& algorithm, ByteView secret, ByteView message, ByteView tag);

}  // namespace hg::crypto
