// SPDX-License-Identifier: Apache-2.0
// SHA-2 over OpenSSL, computed piece by piece. A copy goes on from the same state, so that the digest of an image with
// an overlay costs its tail only. Called by storage while images are sealed, by keys, and by images::inspect() through
// images::HashingWith<Sha2>.
#pragma once

#include <openssl/types.h>

#include <cstddef>

#include "base/digest.hpp"

namespace hg::crypto {

/// SHA-256, SHA-384 or SHA-512 by the size of their digests, 32, 48 or 64 bytes; nullptr for others.
const EVP_MD* sha2_of(std::size_t digest_bytes);

/// Throws std::bad_alloc when made or copied, and nothing else. One that was moved from may only be assigned to.
class Sha2 {
 public:
  /// 32, 48 or 64 bytes: SHA-256, SHA-384, SHA-512. Anything else is a bug and ends the process.
  explicit Sha2(std::size_t digest_bytes);
  Sha2(const Sha2& other);
  Sha2& operator=(const Sha2& other);
  Sha2(Sha2&& other) noexcept;
  Sha2& operator=(Sha2&& other) noexcept;
  ~Sha2();

  void update(ByteView bytes);
  /// The digest of all that was given. Called once, last.
  [[nodiscard]] Digest finish();

 private:
  EVP_MD_CTX* context_;
};

class Sha256 : public Sha2 {
 public:
  static constexpr std::size_t kDigestBytes = 32;

  Sha256() : Sha2(kDigestBytes) {}

  static Digest of(ByteView bytes);
};

}  // namespace hg::crypto
