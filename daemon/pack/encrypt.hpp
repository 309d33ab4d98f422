// SPDX-License-Identifier: Apache-2.0
// `headgate-pack encrypt`: one payload under a content key of its own, and that key wrapped for its recipients
// (draft-ietf-suit-firmware-encryption-26). The content key never leaves this process but wrapped. Called by main.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace hg::pack {

/// A key that both sides share, and its name.
struct KekFile {
  std::filesystem::path file;
  std::string kid;
};

struct EncryptOptions {
  std::filesystem::path plaintext;
  std::filesystem::path ciphertext;
  std::filesystem::path info;  ///< gets the SUIT_Encryption_Info
  std::string cipher;
  std::vector<std::filesystem::path> recipients;  ///< PEM, public
  std::vector<KekFile> keks;
};

/// The names that EncryptOptions::cipher may have.
std::vector<std::string> cipher_names();

Result<void> encrypt(const EncryptOptions& options);

}  // namespace hg::pack
