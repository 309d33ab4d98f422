// SPDX-License-Identifier: Apache-2.0
// The two building blocks that every part of a SUIT envelope is made of: a byte string that wraps CBOR and whose digest
// is taken over its encoding with the head, and SUIT_Digest. Called by the readers of envelope, authentication,
// manifest and parameters.
#pragma once

#include "base/cbor.hpp"
#include "base/digest.hpp"
#include "cose/key_ring.hpp"

namespace hg::suit {

/// A bstr that wraps CBOR. Slices of the envelope; nothing is owned.
struct Element {
  ByteView encoded;        ///< head and content: what digests are taken over (draft-ietf-suit-manifest-37 §8.3)
  cbor::Reader content{};  ///< at the first byte of the content
};

Result<Element> read_element(cbor::Reader& reader);

/// SUIT_Digest = [algorithm, bytes] (§8.4.2), SHA-256 only: images are stored under theirs. A digest of another length
/// or algorithm, truncated ones above all, is refused by name.
Result<Digest> read_digest(cbor::Reader& reader);

/// Fails with Errc::mismatch unless `signed_digest` is the SHA-256 of `bytes`; compares in constant time.
Result<void> check_digest(const cose::KeyRing& anchors, ByteView bytes, const Digest& signed_digest);

}  // namespace hg::suit
