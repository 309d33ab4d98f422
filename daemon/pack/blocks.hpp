// SPDX-License-Identifier: Apache-2.0
// The authentication wrapper of an envelope (draft-ietf-suit-manifest-37 §8.3): finds its parts and adds a block,
// leaving every other byte as it is. Judges nothing: suit::open does. Used by sign and inspect.
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::pack {

/// Slices of the envelope.
struct Wrapper {
  ByteView digest;               ///< the encoded SUIT_Digest: the payload of all signatures
  std::vector<ByteView> blocks;  ///< tagged COSE messages; empty: unsigned
};

Result<Wrapper> read_wrapper(ByteView envelope);

/// The envelope with one more block at the end of the wrapper.
Result<Bytes> with_block(ByteView envelope, ByteView block);

}  // namespace hg::pack
