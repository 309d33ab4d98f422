// SPDX-License-Identifier: Apache-2.0
// The URIs that a child will pull from, read out of a SUIT manifest of whatever draft. They are signed, so that the
// gateway can only serve exactly them (coap.md 2). Nothing else of the manifest is understood, and nothing is verified:
// the daemon has done that. Called by suit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::coap {

inline constexpr std::size_t kMaxManifest = 65536;  ///< bytes
inline constexpr std::size_t kMaxManifestUris = 16;
inline constexpr std::size_t kLongestUri = 255;  ///< bytes

/// The text strings that begin with "coap://" or "coaps://", each once, in the order in which they first appear; also
/// those within byte strings that are CBOR themselves. Errc::invalid: it is no CBOR; Errc::too_large: over a limit.
Result<std::vector<std::string>> coap_uris_in(ByteView manifest);

/// The path of such a URI as it is asked for (RFC 7252 section 6.4): "coap://gateway/fw/a%20b" gives "fw/a b".
/// Errc::invalid: no such URI, or malformed; Errc::unsupported: without a path, with a query, a fragment, an empty
/// segment, "." or "..", or with a '/' or a control character within a segment.
Result<std::string> path_of(std::string_view uri);

}  // namespace hg::coap
