// SPDX-License-Identifier: Apache-2.0
// COSE_Sign1 and COSE_Sign (RFC 9052 §4): reads a message into slices, builds the bytes that each signature covers, and
// writes messages. It decides what a header may contain; whether a signature is good is for a KeyRing, and how many of
// whose are enough is for the caller. Used by suit (detached payload) and trust (attached payload).
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/cbor.hpp"
#include "cose/signer.hpp"

namespace hg::cose {

inline constexpr std::size_t kMaxSignatures = 16;  ///< in one COSE_Sign

/// One signature and what it covers beside the payload. Slices of the message.
struct Signature {
  std::int64_t algorithm = 0;
  ByteView key_id;                         ///< empty: none given
  ByteView body_protected;                 ///< the content of the bstr; empty where the message has h'' or h'a0'
  std::optional<ByteView> sign_protected;  ///< COSE_Sign only
  ByteView signature;
};

/// A message in slices, which the input must outlive.
struct Signed {
  std::optional<ByteView> payload;               ///< none: detached (nil)
  std::optional<std::string_view> content_type;  ///< header 3 as text, from the body's protected header only
  std::vector<Signature> signatures;             ///< one for COSE_Sign1
};

/// The tagged message (18 or 98) at `reader`. The algorithm must stand in a protected header; "crit", a header both
/// protected and unprotected, and an empty list of signatures are refused; other COSE tags are Errc::unsupported by
/// name. Allocates for the list of signatures only.
Result<Signed> read_signed(cbor::Reader& reader);

/// Sig_structure ["Signature1" | "Signature", body_protected, ? sign_protected, external_aad h'', payload] (§4.4).
Bytes to_be_signed(const Signature& signature, ByteView payload);

/// A COSE_Sign1 (tag 18) with `payload` detached, as a SUIT authentication block has it.
Result<Bytes> write_sign1_detached(ByteView payload, const Signer& signer);

/// A COSE_Sign (tag 98) with `payload` attached and `content_type` in the body's protected header.
Result<Bytes> write_sign(ByteView payload, std::string_view content_type, std::span<const Signer* const> signers);

/// The same message with one more signature; `message` is a COSE_Sign with attached payload.
Result<Bytes> add_signature(ByteView message, const Signer& signer);

}  // namespace hg::cose
