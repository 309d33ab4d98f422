// SPDX-License-Identifier: Apache-2.0
// Base64 with padding, as the console framing uses it. Used by framing.
#pragma once

#include <string>
#include <string_view>

#include "bytes.hpp"

namespace smp_child {

/// Appends the encoding of `bytes` to `to`.
void append_base64(std::string& to, ByteView bytes);

/// Appends the decoding of `text` to `to`; false, with `to` possibly longer, if it is not padded Base64.
bool append_decoded_base64(Bytes& to, std::string_view text);

}  // namespace smp_child
