// SPDX-License-Identifier: Apache-2.0
// What images needs of cryptography: a running SHA-2. The layers do not know one another, so whoever knows both says
// HashingWith<crypto::Sha2> (app, tests).
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.hpp"
#include "base/digest.hpp"

namespace hg::images {

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

  /// The SHA-2 whose digest has 32, 48 or 64 bytes.
  [[nodiscard]] virtual std::unique_ptr<Hash> start(std::size_t digest_bytes) const = 0;
};

/// Hashing by any class that is made from the digest's size and has update() and finish().
template <class RunningHash>
class HashingWith : public Hashing {
 public:
  [[nodiscard]] std::unique_ptr<Hash> start(std::size_t digest_bytes) const override {
    return std::make_unique<Wrapped>(digest_bytes);
  }

 private:
  class Wrapped : public Hash {
   public:
    explicit Wrapped(std::size_t digest_bytes) : hash_(digest_bytes) {}
    void update(ByteView bytes) override { hash_.update(bytes); }
    Digest finish() override { return hash_.finish(); }

   private:
    RunningHash hash_;
  };
};

}  // namespace hg::images
