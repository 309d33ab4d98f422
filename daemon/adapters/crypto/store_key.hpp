// SPDX-License-Identifier: Apache-2.0
// The key under which this gateway keeps secrets in its database: content keys and children's shared keys. Decides the
// form of what is sealed; where the key itself is kept is for store_key_file. Called by key_safe.
//
// A sealed secret is the byte 1, a random nonce of 12 bytes, the ciphertext and the tag of AES-256-GCM; what it is for
// is authenticated with it.
#pragma once

#include <string_view>

#include "adapters/crypto/content_keys.hpp"

namespace hg::crypto {

class StoreKey {
 public:
  static constexpr std::int64_t kCipher = 3;  ///< of COSE: AES-256-GCM

  /// Errors: internal.
  static Result<StoreKey> generate();

  /// `key` has the 32 bytes of kCipher.
  explicit StoreKey(ContentKey key) : key_(std::move(key)) {}

  /// `purpose`: what and whose it is; another one does not open it. Errors: internal.
  [[nodiscard]] Result<Bytes> seal(ByteView secret, ByteView purpose) const;

  /// Errc::unauthenticated: sealed under another store key, for another purpose, or changed since.
  [[nodiscard]] Result<Secret> open(ByteView sealed, ByteView purpose) const;

  /// The same for the same secret of the same kind under the same store key: HMAC-SHA-256 by a key derived for `kind`.
  [[nodiscard]] Result<Digest> fingerprint(ByteView secret, std::string_view kind) const;

  [[nodiscard]] const ContentKey& key() const { return key_; }

 private:
  ContentKey key_;
};

}  // namespace hg::crypto
