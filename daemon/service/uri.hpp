// SPDX-License-Identifier: Apache-2.0
// Where an image is to be fetched from: the manifest's URI resolved against the envelope's own (RFC 3986 §5). Only
// https comes out. Called by ingest.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hg::service {

/// Errc::invalid: not a URI, or it carries user information; Errc::unsupported: another scheme than https;
/// Errc::denied: another host than the envelope's while `same_host_only`.
Result<std::string> resolve_uri(std::string_view envelope_url, std::string_view reference, bool same_host_only);

}  // namespace hg::service
