// SPDX-License-Identifier: Apache-2.0
// A digest as a value: up to 64 bytes (SHA-512), compared, ordered and printed. It does not say which algorithm made
// it and does not compute anything: adapters/crypto does. Used for images, manifests and what children report.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace hg {

class Digest {
 public:
  static constexpr std::size_t kMaxSize = 64;

  /// The empty digest: "not known".
  Digest() = default;

  /// From 0 to 64 bytes; nothing for more.
  static std::optional<Digest> from_bytes(ByteView bytes);

  /// From hexadecimal text, with or without the prefix "sha256:".
  static std::optional<Digest> from_text(std::string_view text);

  [[nodiscard]] ByteView bytes() const { return {bytes_.data(), size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::string hex() const { return to_hex(bytes()); }

  friend std::strong_ordering operator<=>(const Digest&, const Digest&) = default;
  friend bool operator==(const Digest&, const Digest&) = default;

 private:
  std::array<std::uint8_t, kMaxSize> bytes_{};  // zero beyond size_, so that the defaulted compare is right
  std::uint8_t size_ = 0;
};

}  // namespace hg
