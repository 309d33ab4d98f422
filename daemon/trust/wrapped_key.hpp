// SPDX-License-Identifier: Apache-2.0
// A key wrapped for one gateway, as records carry it: a COSE_Encrypt (tag 96) without ciphertext and with exactly one
// recipient, whose content key is what the record is about. Checks the form; who can open it is for ports::KeySafe.
// Internal to trust.
#pragma once

#include "base/bytes.hpp"
#include "base/cbor.hpp"

namespace hg::trust {

/// The message in a byte string of at most 1024 bytes.
Result<Bytes> read_wrapped_key(cbor::Reader& reader);

}  // namespace hg::trust
