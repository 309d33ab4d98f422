// SPDX-License-Identifier: Apache-2.0
// Frames to bytes and back: one strict CBOR map with ascending integer keys, key 0 the type (the tables stand in
// docs/plugin-protocol.md). Decoding trusts nothing: a missing, unknown or repeated key, a wrong type and a value
// beyond its limit are errors that name the frame and the key. wire/channel calls it, and the fuzzer.
#pragma once

#include "wire/frames.hpp"

namespace hg::wire {

/// The type number of a frame, as it stands under key 0.
std::uint64_t type_number(const Frame& frame);

/// Fails with Errc::too_large when it exceeds kMaxFrame; what is in the frame must keep its own limits. Of a frame that
/// holds_secret() the caller wipes the bytes.
Result<Bytes> encode(const Frame& frame);

/// Errc::invalid, or Errc::too_large for more than kMaxFrame bytes.
Result<Frame> decode(ByteView bytes);

/// The numbers that stand for error codes on the wire; they never change.
std::uint64_t number_of(Errc code);
std::optional<Errc> errc_from(std::uint64_t number);

}  // namespace hg::wire
