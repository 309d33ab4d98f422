// SPDX-License-Identifier: Apache-2.0
// The numbered scripts that make and extend the catalogue's tables. Script n brings version n-1 to version n; none is
// ever changed after a release. Run by SqliteCatalogue at start.
#pragma once

#include <span>

namespace hg::storage {

/// Zero-terminated SQL; element 0 makes version 1.
std::span<const char* const> schema_scripts();

}  // namespace hg::storage
