// SPDX-License-Identifier: Apache-2.0
// SHA-2 over OpenSSL: a running SHA-256 whose state can be copied, and the hashes that images asks for. Called by
// storage while images are sealed, by anchors, and by ingest through images::Hashing.
#pragma once

#include <openssl/types.h>

#include <memory>

#include "base/digest.hpp"
#include "images/hashing.hpp"

namespace hg::crypto {

/// A SHA-256 being computed. A copy goes on from the same state. Throws std::bad_alloc from constructors only.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256& other);
  Sha256& operator=(const Sha256& other);
  Sha256(Sha256&& other) noexcept;
  Sha256& operator=(Sha256&& other) noexcept;
  ~Sha256();

  void update(ByteView bytes);
  /// The digest of all that was given; the state goes on as if nothing had been asked.
  [[nodiscard]] Digest digest() const;

  static Digest of(ByteView bytes);

 private:
  EVP_MD_CTX* context_;
};

/// SHA-256, SHA-384 and SHA-512 for images::inspect().
class Hashes : public images::Hashing {
 public:
  [[nodiscard]] std::unique_ptr<images::Hash> start(images::HashAlgorithm algorithm) const override;
};

}  // namespace hg::crypto
