// SPDX-License-Identifier: Apache-2.0
// The keys of recipients, from files: public keys in PEM and shared keys. Used by encrypt and grant.
#pragma once

#include "adapters/crypto/content_keys.hpp"
#include "pack/encrypt.hpp"

namespace hg::pack {

Result<crypto::RecipientKey> read_recipient(const std::filesystem::path& path);
Result<crypto::WrapKey> read_kek(const KekFile& kek);

}  // namespace hg::pack
