// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/uuid5.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <string>

#include "base/bytes.hpp"

namespace hg::crypto {

Uuid uuid5(const Uuid& name_space, std::string_view name) {
  Bytes input(name_space.begin(), name_space.end());
  const ByteView text = as_bytes(name);
  input.insert(input.end(), text.begin(), text.end());
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(input.data(), input.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  Uuid uuid{};
  std::copy_n(digest.begin(), uuid.size(), uuid.begin());
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x50);
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

Uuid uuid_from(std::string_view text, const Uuid& name_space) {
  constexpr std::size_t kTextSize = 36;
  const bool has_dashes =
      text.size() == kTextSize && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
  if (has_dashes) {
    std::string digits(text);
    std::erase(digits, '-');
    if (const auto bytes = from_hex(digits); bytes && bytes->size() == 16) {
      Uuid uuid{};
      std::ranges::copy(*bytes, uuid.begin());
      return uuid;
    }
  }
  return uuid5(name_space, text);
}

}  // namespace hg::crypto
