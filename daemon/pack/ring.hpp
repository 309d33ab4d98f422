// SPDX-License-Identifier: Apache-2.0
// The keys that a user of headgate-pack names on the command line, as a ring that suit and trust ask.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <vector>

#include "adapters/crypto/keys.hpp"

namespace hg::pack {

struct RingOptions {
  std::vector<std::filesystem::path> keys;       ///< PEM, public
  std::optional<std::filesystem::path> mac_key;  ///< bytes, or their hexadecimal digits
};

/// Each key has its file as name. Errors name the file.
Result<std::unique_ptr<crypto::Keys>> make_ring(const RingOptions& options);

/// A secret from a file: hexadecimal digits (and white space after them) if they make one of these sizes, else the
/// bytes as they are, of whatever size.
Result<Bytes> read_secret(const std::filesystem::path& path, std::initializer_list<std::size_t> sizes);

}  // namespace hg::pack
