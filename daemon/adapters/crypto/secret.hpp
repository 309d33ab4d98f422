// SPDX-License-Identifier: Apache-2.0
// Bytes that are wiped when they go. Not copied by accident, not printed, not grown (a vector that grows leaves its old
// bytes behind). Used by keys and content_keys.
#pragma once

#include <utility>

#include "base/bytes.hpp"

namespace hg::crypto {

class Secret {
 public:
  /// Of `size` zero bytes, to be filled.
  explicit Secret(std::size_t size) : bytes_(size) {}
  explicit Secret(ByteView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Secret() { wipe(bytes_); }

  [[nodiscard]] ByteView view() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::uint8_t* data() { return bytes_.data(); }

 private:
  Bytes bytes_;
};

}  // namespace hg::crypto
