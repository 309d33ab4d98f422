// SPDX-License-Identifier: Apache-2.0
// The store of sealed blobs, images and the backups of children: bytes come in once through an Intake that hashes while
// it writes, and from then on stand under their digest, read-only for the daemon alone, never changed and never hashed
// again. adapters/storage keeps them as files.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace hg::ports {

/// One image on its way in. Destroyed without seal(): what was written is gone.
class Intake {
 public:
  virtual ~Intake() = default;

  /// Appends; blocking, called on a pool thread by the fetcher or on the loop for small payloads. Never called by two
  /// threads at once. Errc::too_large: more than the signed size; Errc::no_space.
  [[nodiscard]] virtual Result<void> append(ByteView bytes) = 0;

  [[nodiscard]] virtual std::uint64_t received() const = 0;

  /// What was written so far, for the inspection of the image before it is sealed. Readable with pread().
  [[nodiscard]] virtual int descriptor() const = 0;

  /// Checks size and digest against what was signed (Errc::mismatch), makes the bytes durable and gives them their
  /// name: fsync, rename to the digest, fsync of the directory.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> seal() = 0;
};

class Blobs {
 public:
  virtual ~Blobs() = default;

  [[nodiscard]] virtual bool has(const Digest& digest) const = 0;

  /// A new intake for `size` bytes that must have `digest`. Errc::no_space when the store is too full for it.
  [[nodiscard]] virtual Result<std::unique_ptr<Intake>> receive(const Digest& digest, std::uint64_t size) = 0;

  /// A read-only descriptor of the sealed bytes. Errc::not_found.
  [[nodiscard]] virtual Result<UniqueFd> open(const Digest& digest) const = 0;

  /// Takes a sealed blob out of the store and gives its room back; who has it open keeps it. Nothing if it is not
  /// there. After a power cut it may be there again, which costs its room and nothing else. Errc::io.
  [[nodiscard]] virtual Result<void> remove(const Digest& digest) = 0;

  /// Bytes in the store, and its limit.
  [[nodiscard]] virtual std::uint64_t used() const = 0;
  [[nodiscard]] virtual std::uint64_t limit() const = 0;
};

}  // namespace hg::ports
