// SPDX-License-Identifier: Apache-2.0
// Bytes that are wiped when they go. Not copied, not printed, not grown (memory that grows leaves its old bytes
// behind). They stand in pages of their own that are never written to a core dump, and are locked, so never to swap
// either, as far as RLIMIT_MEMLOCK allows: 64 bytes of it for a secret of up to 64. For keys and for what they are
// read from; not for payloads. Used by adapters/crypto, wire and the plugins; it needs no library of ciphers.
#pragma once

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg {

class Secret {
 public:
  /// Of `size` zero bytes, to be filled. Throws std::bad_alloc, also when lock_secrets() was called and no more can be
  /// locked. None of 0 bytes takes memory.
  explicit Secret(std::size_t size) : data_(allocate(size)), size_(size) {}
  explicit Secret(ByteView bytes) : Secret(bytes.size()) { std::ranges::copy(bytes, data_); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  /// What it held before goes with `other`.
  Secret& operator=(Secret&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Secret() { wipe_and_free(data_, size_); }

  [[nodiscard]] ByteView view() const { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint8_t* data() { return data_; }

 private:
  static std::uint8_t* allocate(std::size_t size);
  static void wipe_and_free(std::uint8_t* data, std::size_t size) noexcept;

  std::uint8_t* data_;
  std::size_t size_;
};

/// Locks the pages that secrets stand in, those of now and all that come. A process that calls it and goes on knows
/// that none is ever swapped out. Errc::denied: the system does not let us, and what to do; secrets then stand in pages
/// that are wiped and not dumped, but may be swapped out.
Result<void> lock_secrets();

/// Whether `pointer` is in locked pages of secrets.
bool is_locked_secret(const void* pointer);

/// Bytes that the secrets of the process take at the moment.
std::size_t bytes_of_secrets();

}  // namespace hg
