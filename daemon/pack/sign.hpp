// SPDX-License-Identifier: Apache-2.0
// `headgate-pack sign`: one more signature for an envelope or a trust record. Signs only what a gateway would read, and
// with each key once. Called by main, and by create for what it has made.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "pack/signers.hpp"

namespace hg::pack {

struct SignOptions {
  std::filesystem::path file;
  std::filesystem::path output;   ///< may be the same
  std::vector<std::string> keys;  ///< PEM files or other URIs of OpenSSL's STORE
};

Result<void> sign(const SignOptions& options);

/// The envelope with a block by each of the keys.
Result<Bytes> sign_envelope(Bytes envelope, const Signers& signers);

}  // namespace hg::pack
