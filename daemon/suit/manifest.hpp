// SPDX-License-Identifier: Apache-2.0
// The front door of suit: one envelope in, what its author says out, or the rule that it breaks and where. It decides
// authenticity and meaning (profile v1, first slice: docs/architecture.md); whether the sequence number is new enough,
// the signers are enough and the URIs may be asked is for the caller (service/ingest).
#pragma once

#include <string>
#include <vector>

#include "suit/image.hpp"
#include "cose/key_ring.hpp"
#include "suit/version.hpp"

namespace hg::suit {

/// Owns all it says; the envelope may go.
struct Manifest {
  std::uint64_t sequence = 0;
  Digest digest;                     ///< SHA-256 over the bstr encoding of the manifest (§8.3): the deliverable's name
  std::string product;               ///< the manifest's own component id as text; without one, its components' with '+'
  Version set_version;               ///< empty: none given
  std::string version;               ///< set_version as text
  std::vector<std::string> signers;  ///< distinct trusted keys that signed; never empty
  std::vector<Image> images;         ///< in the order of the manifest's components; never empty

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// Parses, authenticates and interprets a SUIT envelope (draft-ietf-suit-manifest-37, tag 107), in that order: nothing
/// of the manifest is read before a signature holds. Integrated payloads are checked against digest and size.
/// Errors: invalid, too_large, unsupported (the text names the rule and the byte offset), unauthenticated, mismatch,
/// not_found (a part is needed and absent).
Result<Manifest> open(ByteView envelope, const cose::KeyRing& anchors);

}  // namespace hg::suit
