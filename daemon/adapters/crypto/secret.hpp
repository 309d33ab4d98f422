// SPDX-License-Identifier: Apache-2.0
// Bytes that are wiped when they go. Not copied by accident, not printed, not grown (memory that grows leaves its old
// bytes behind). In a process that has called lock_key_memory() they stand in locked pages, as OpenSSL's own do. Used
// by keys, content_keys, store_key.
#pragma once

#include <openssl/crypto.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/bytes.hpp"

namespace hg::crypto {

class Secret {
 public:
  /// Of `size` zero bytes, to be filled. Throws std::bad_alloc, also when the locked pages are full.
  explicit Secret(std::size_t size) : data_(allocate(size)), size_(size) {}
  explicit Secret(ByteView bytes) : Secret(bytes.size()) { std::ranges::copy(bytes, data_); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Secret() { OPENSSL_secure_clear_free(data_, size_); }

  [[nodiscard]] ByteView view() const { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint8_t* data() { return data_; }

 private:
  static std::uint8_t* allocate(std::size_t size) {
    if (size == 0) return nullptr;
    void* memory = OPENSSL_secure_zalloc(size);
    if (memory == nullptr) throw std::bad_alloc();
    return static_cast<std::uint8_t*>(memory);
  }

  std::uint8_t* data_;
  std::size_t size_;
};

}  // namespace hg::crypto
