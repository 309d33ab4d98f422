// SPDX-License-Identifier: Apache-2.0
// The building blocks that every part of a SUIT envelope is made of: a byte string that wraps CBOR and whose digest is
// taken over its encoding with the head, a slice that knows where it stands, and SUIT_Digest. Called by the readers of
// envelope, authentication, manifest and parameters.
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

/// The content of a string in an envelope. Two are equal when their bytes are.
struct Slice {
  ByteView bytes;
  std::size_t offset = 0;    ///< of its first byte in the envelope
  std::size_t manifest = 0;  ///< in whose envelope it stands: 0 the opened one, else a dependency (bundle.hpp)

  [[nodiscard]] cbor::Reader reader() const { return cbor::Reader(bytes, offset); }
  [[nodiscard]] std::string_view text() const;

  friend bool operator==(const Slice& a, const Slice& b);
};

/// A byte string.
Result<Slice> read_slice(cbor::Reader& reader);

/// SUIT_Digest = [algorithm, bytes] (§8.4.2) by SHA-256, SHA-384 or SHA-512; the length then tells which. A digest of
/// another length or algorithm, truncated ones above all, is refused by name.
Result<Digest> read_digest(cbor::Reader& reader);

/// The digest of `bytes` by the algorithm that `like` was made with.
Result<Digest> digest_like(const cose::KeyRing& ring, ByteView bytes, const Digest& like);

/// Fails with Errc::mismatch unless `signed_digest` is that of `bytes`; compares in constant time.
Result<void> check_digest(const cose::KeyRing& ring, ByteView bytes, const Digest& signed_digest);

}  // namespace hg::suit
