// SPDX-License-Identifier: Apache-2.0
// Reads one COSE_Sign1 message with detached payload (RFC 9052 §4.2) and builds the bytes that its signature covers.
// It decides what a header may contain; whether the signature is good is for cose::KeyRing. Called by authentication.
#pragma once

#include "base/cbor.hpp"

namespace hg::suit {

/// Slices of the message.
struct Sign1 {
  std::int64_t algorithm = 0;
  ByteView key_id;  ///< empty: none given
  ByteView protected_header;
  ByteView signature;
};

/// The tagged message (tag 18) at `reader`. Other COSE tags are Errc::unsupported by name: this profile authenticates
/// authors by signatures. The algorithm must stand in the protected header; no "crit" header is understood; a payload
/// that is not nil is refused.
Result<Sign1> read_sign1(cbor::Reader& reader);

/// Sig_structure ["Signature1", protected header, h'', payload] (RFC 9052 §4.4).
Bytes to_be_signed(const Sign1& message, ByteView payload);

}  // namespace hg::suit
