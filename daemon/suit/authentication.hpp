// SPDX-License-Identifier: Apache-2.0
// Decides whether an envelope's manifest is what a trusted key signed (draft-ietf-suit-manifest-37 §8.3): the manifest
// has the digest in the wrapper, and at least one authentication block is a good signature of that digest. It reads
// nothing of the manifest. How many signers of which roles are enough is for the caller. Called by suit::open.
#pragma once

#include <string>
#include <vector>

#include "cose/key_ring.hpp"
#include "suit/envelope.hpp"

namespace hg::suit {

struct Authenticated {
  Digest manifest_digest;
  std::vector<std::string> signers;  ///< names of distinct trusted keys, in the order of their blocks; never empty
};

/// Every block must be well formed; blocks of unknown keys beside a good one are passed over, since an intermediary
/// may add and drop blocks. When none is good, the error gives the reason of the first.
Result<Authenticated> authenticate(const Envelope& envelope, const cose::KeyRing& anchors);

}  // namespace hg::suit
