// SPDX-License-Identifier: Apache-2.0
// `headgate-pack create`: from a recipe to an envelope, unsigned or with the first signatures. Decides nothing itself:
// recipe, release, envelope_writer and sign do. Called by main.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace hg::pack {

struct CreateOptions {
  std::filesystem::path recipe;
  std::filesystem::path output;
  std::vector<std::string> keys;  ///< PEM files or other URIs of OpenSSL's STORE; none: unsigned
};

Result<void> create(const CreateOptions& options);

}  // namespace hg::pack
