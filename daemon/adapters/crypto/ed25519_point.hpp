// SPDX-License-Identifier: Apache-2.0
// Whether 32 bytes are a public key of Ed25519 that one may believe (RFC 8032 §5.1.3). OpenSSL takes any 32 bytes and
// only fails to verify with them; a root file must not list such a key. Called by public_keys.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::crypto {

/// Invalid: y >= p, a y without x on the curve, one of the points of order 1, 2, 4 or 8. Works in variable time: public
/// keys only.
Result<void> check_ed25519_point(ByteView encoded);

}  // namespace hg::crypto
