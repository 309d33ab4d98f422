// SPDX-License-Identifier: Apache-2.0
// Connects images with the bytes that travel in envelopes: integrated payloads, and content that the manifest writes
// itself. Decides whether they are what was signed; each is hashed once, however many branches lead to it, and never
// copied. Called by suit::open last.
#pragma once

#include <map>
#include <vector>

#include "suit/bundle.hpp"
#include "suit/findings.hpp"

namespace hg::suit {

class Payloads {
 public:
  explicit Payloads(const Bundle& bundle) : bundle_(bundle) {}

  /// Says in the images where their bytes are, as far as they are here. Refused: other bytes than those signed.
  Result<void> place(std::vector<Found>& images);

  /// Refuses payloads that no image or dependency of their manifest refers to.
  Result<void> check_referenced(const Outcome& outcome) const;

 private:
  Result<void> place_payload(Found& found);
  Result<void> place_content(Found& found);
  Result<Digest> digest_of(ByteView bytes, const Digest& like);

  const Bundle& bundle_;
  std::map<std::pair<const std::uint8_t*, std::size_t>, Digest> digests_;  // by payload and length of the digest
};

}  // namespace hg::suit
