// SPDX-License-Identifier: Apache-2.0
// Decides whether an envelope's manifest is what a trusted key authenticated (draft-ietf-suit-manifest-37 §8.3): the
// manifest has the digest in the wrapper, and at least one authentication block is a good signature or MAC of that
// digest. It reads nothing of the manifest. How many signers of which roles are enough is for the caller. Called by
// suit::open for the manifest and for what it depends on.
#pragma once

#include <string>
#include <vector>

#include "cose/key_ring.hpp"
#include "suit/envelope.hpp"

namespace hg::suit {

struct Authenticated {
  Digest manifest_digest;
  std::vector<std::string> signers;   ///< names of distinct keys, in the order of their blocks
  std::vector<std::string> mac_keys;  ///< the same of MAC keys; not both are empty
};

/// The digest in the wrapper, compared with nothing yet.
Result<Digest> read_claimed_digest(const Envelope& envelope);

/// Blocks are COSE_Sign1, COSE_Sign and COSE_Mac0 with detached payload. Every block must be well formed; those of
/// other kinds or unknown keys beside a good one are passed over, since an intermediary may add and drop blocks. When
/// none is good, the error gives the reason of the first.
Result<Authenticated> authenticate(const Envelope& envelope, const cose::KeyRing& ring);

}  // namespace hg::suit
