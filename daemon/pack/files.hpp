// SPDX-License-Identifier: Apache-2.0
// Whole files in and out: what headgate-pack writes is there completely under its name, or not at all. Decides nothing
// about contents. Used by all commands of headgate-pack.
#pragma once

#include <filesystem>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::pack {

/// Errors name the file.
Result<Bytes> read_file(const std::filesystem::path& path);

/// Whether others than the owner may read what is written.
enum class Access { everybody, owner_only };

/// Replaces the file in one step. The mode is 0644 or 0600, less the umask.
Result<void> write_file(const std::filesystem::path& path, ByteView content, Access access = Access::everybody);

}  // namespace hg::pack
