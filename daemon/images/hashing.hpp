// SPDX-License-Identifier: Apache-2.0
// What images needs of cryptography: a running SHA-2. adapters/crypto implements it.
#pragma once

#include <memory>

#include "base/bytes.hpp"
#include "base/digest.hpp"

namespace hg::images {

enum class HashAlgorithm { sha256, sha384, sha512 };

class Hash {
 public:
  Hash() = default;
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;
  virtual ~Hash() = default;

  virtual void update(ByteView bytes) = 0;
  /// The digest of all that was given. Called once, last.
  virtual Digest finish() = 0;
};

class Hashing {
 public:
  Hashing() = default;
  Hashing(const Hashing&) = delete;
  Hashing& operator=(const Hashing&) = delete;
  virtual ~Hashing() = default;

  [[nodiscard]] virtual std::unique_ptr<Hash> start(HashAlgorithm algorithm) const = 0;
};

}  // namespace hg::images
