// SPDX-License-Identifier: Apache-2.0
// The front door of suit: one envelope in, what its author says out, or the rule that it breaks and where. It decides
// authenticity and meaning (docs/suit-profile.md); whether the sequence number is new enough, the signers are enough
// and the URIs may be asked is for the caller (service/ingest), and whether the manifest is fit to be published is for
// profile.hpp.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cose/key_ring.hpp"
#include "suit/image.hpp"
#include "suit/version.hpp"

namespace hg::suit {

/// Another manifest that this one builds on (draft-ietf-suit-trust-domains-12).
struct Dependency {
  ComponentId id;
  Digest digest;                     ///< of its manifest; empty: never fetched nor processed
  std::uint64_t size = 0;            ///< of its envelope; 0: not said
  std::string uri;                   ///< absolute, relative or "#name"; empty: not said
  bool is_here = false;              ///< in the envelope or given, and authentic
  std::vector<std::string> signers;  ///< as Manifest::signers

  friend bool operator==(const Dependency&, const Dependency&) = default;
};

/// Owns all it says; the envelope may go.
struct Manifest {
  std::uint64_t sequence = 0;
  Digest digest;                        ///< over the bstr encoding of the manifest (§8.3), by the author's algorithm
  std::string product;                  ///< the manifest's own component id as text; without one, `components` with '+'
  std::vector<std::string> components;  ///< as texts, sorted
  Version set_version;                  ///< empty: none given
  std::string version;                  ///< set_version as text
  std::vector<std::string> signers;     ///< distinct keys of the ring that signed
  std::vector<std::string> mac_keys;    ///< MAC keys that authenticated it; empty with the gateway's own ring
  std::optional<std::int64_t> priority;  ///< the smallest update-priority; smaller is more urgent
  std::vector<Image> images;             ///< distinct, in the order of the components; then those of dependencies
  std::vector<Dependency> dependencies;
  std::vector<std::string> absent_sections;  ///< severed and not there: "install", "dependency a.suit: install"

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// Parses, authenticates and interprets a SUIT envelope (draft-ietf-suit-manifest-37, tag 107), in that order: nothing
/// of the manifest is read before a signature or MAC holds. Integrated payloads that are there are checked.
/// `dependencies` are envelopes that were fetched beforehand; each is found by the digest of its manifest.
/// Errors: invalid, too_large, unsupported (the text names the rule and the byte offset), unauthenticated, mismatch,
/// not_found (a part is needed and absent).
Result<Manifest> open(ByteView envelope, const cose::KeyRing& ring, std::span<const ByteView> dependencies = {});

}  // namespace hg::suit
