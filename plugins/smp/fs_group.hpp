// SPDX-License-Identifier: Apache-2.0
// SMP's group "fs" (Zephyr "File management"): bodies out, values in, read leniently and bounded. There is no list of
// files and no delete. Pure; configuration_steps calls it.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"

namespace hg::smp {

/// Data in one answer of a download; the child chooses how much.
inline constexpr std::size_t kLargestFilePiece = 16 * 1024;

Bytes file_download_request(std::string_view name, std::uint64_t offset);
struct FilePiece {
  std::uint64_t offset = 0;
  Bytes data;
  std::optional<std::uint64_t> size;  ///< of the whole file; in the answer for offset 0
};
Result<FilePiece> file_piece_in(ByteView body);

/// A piece of a file at `offset`; the first one, which empties the file, says how long it becomes (`size`).
Bytes file_upload_request(std::string_view name, std::uint64_t offset, ByteView data, std::uint64_t size);
/// The offset of the next byte that the child wants.
Result<std::uint64_t> file_offset_in(ByteView body);

/// The SHA-256 of a file; nothing when the child answers with something else.
Bytes file_hash_request(std::string_view name);
Result<std::optional<Digest>> file_hash_in(ByteView body);

}  // namespace hg::smp
