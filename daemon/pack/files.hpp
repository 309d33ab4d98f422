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

/// Replaces the file in one step; the mode is 0644 less the umask, for nothing that is written here is secret. Refused:
/// what is there and is no file.
Result<void> write_file(const std::filesystem::path& path, ByteView content);

}  // namespace hg::pack
