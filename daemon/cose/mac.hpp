// SPDX-License-Identifier: Apache-2.0
// COSE_Mac0 (RFC 9052 §6.2): one message in slices and the bytes that its tag covers. Whether the tag is good, and
// whether MACs are believed at all, is for the KeyRing. Used by suit.
#pragma once

#include <optional>

#include "base/cbor.hpp"

namespace hg::cose {

struct Mac0 {
  std::int64_t algorithm = 0;
  ByteView key_id;  ///< empty: none given
  ByteView protected_header;
  std::optional<ByteView> payload;  ///< none: detached (nil)
  ByteView tag;
};

/// The tagged message (17) at `reader`; the rules for headers are those of read_signed().
Result<Mac0> read_mac0(cbor::Reader& reader);

/// MAC_structure ["MAC0", protected, external_aad h'', payload] (§6.3).
Bytes to_be_maced(const Mac0& message, ByteView payload);

}  // namespace hg::cose
