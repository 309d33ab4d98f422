// SPDX-License-Identifier: Apache-2.0
// A descriptor from a plugin, read as what it may be: a memfd that nobody can change any more. Anything else could
// block the reader, end early or change under its eyes. plugin_connection calls it for what BackedUp brings.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::transport {

/// A copy of all of it, made with pread(). Errc::invalid: no memfd, or not sealed against writing and shrinking;
/// Errc::too_large: more than `limit` bytes.
Result<Bytes> copy_sealed(int memory, std::uint64_t limit);

}  // namespace hg::transport
