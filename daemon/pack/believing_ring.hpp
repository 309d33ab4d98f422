// SPDX-License-Identifier: Apache-2.0
// Reads an envelope without asking who signed it, with the very readers of the gateway: for showing what it says, and
// for naming it in a head. Never for deciding whether it is to be believed; what comes of it is "not verified".
#pragma once

#include "suit/manifest.hpp"

namespace hg::pack {

/// A signature or MAC that was seen, not checked.
struct SeenSignature {
  std::int64_t algorithm = 0;
  Bytes key_id;
  bool is_mac = false;
};

/// As suit::open() for somebody who believes every signature; unsigned envelopes, too. Digests are checked. `seen` gets
/// the signatures, if it is not null.
Result<suit::Manifest> open_unverified(ByteView envelope, std::vector<SeenSignature>* seen);

}  // namespace hg::pack
