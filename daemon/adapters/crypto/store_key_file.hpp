// SPDX-License-Identifier: Apache-2.0
// The store key between two starts: the file "store-key" in the state directory, a COSE_Encrypt (ECDH-ES + A256KW, no
// content) for this gateway's key. Whoever has the directory and not the gateway's key has nothing. Called by key_safe
// at start.
#pragma once

#include <filesystem>

#include "adapters/crypto/store_key.hpp"

namespace hg::crypto {

struct KeptStoreKey {
  StoreKey key;
  bool is_new = false;  ///< whatever was sealed before does not open any more
  /// What the file was called that did not open; empty: there was none.
  std::filesystem::path moved_aside{};
};

/// The store key of this gateway. One that is not there is made. One that does not open (wrapped for another gateway
/// key, damaged) is never written over: it is renamed to "store-key.lost-<id of the key that it was for>" and a new one
/// is made. Errors: io; unavailable, if the gateway's key does not work at the moment, and then nothing is touched.
Result<KeptStoreKey> keep_store_key(const std::filesystem::path& directory, const AgreementKey& gateway);

}  // namespace hg::crypto
