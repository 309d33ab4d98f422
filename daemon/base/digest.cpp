// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <algorithm>

namespace hg {

std::optional<Digest> Digest::from_bytes(ByteView bytes) {
  if (bytes.size() > kMaxSize) return std::nullopt;
  Digest digest;
  std::copy(bytes.begin(), bytes.end(), digest.bytes_.begin());
  digest.size_ = static_cast<std::uint8_t>(bytes.size());
  return digest;
}

std::optional<Digest> Digest::from_text(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  const auto bytes = from_hex(text);
  if (!bytes) return std::nullopt;
  return from_bytes(*bytes);
}

}  // namespace hg
