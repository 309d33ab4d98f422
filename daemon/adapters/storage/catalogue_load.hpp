// SPDX-License-Identifier: Apache-2.0
// Reads the catalogue's tables back into core's words, checking every value. Called by SqliteCatalogue.
#pragma once

#include <vector>

#include "adapters/storage/database.hpp"
#include "core/engine.hpp"

namespace hg::storage {

/// Everything; an unreadable row is an error that names table, row and column (Errc::invalid).
Result<core::State> load_state(Database& database);

/// The newest `count` lines of one child, newest first.
Result<std::vector<core::PutHistory>> load_history(Database& database, const core::ChildId& child, unsigned count);

}  // namespace hg::storage
