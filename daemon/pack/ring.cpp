// SPDX-License-Identifier: Apache-2.0
#include "pack/ring.hpp"

#include <algorithm>

#include "pack/files.hpp"

namespace hg::pack {

Result<Bytes> read_secret(const std::filesystem::path& path, std::initializer_list<std::size_t> sizes) {
  Result<Bytes> content = read_file(path);
  if (!content) return content;
  std::string_view text(reinterpret_cast<const char*>(content->data()), content->size());
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  std::optional<Bytes> digits = from_hex(text.substr(0, last == std::string_view::npos ? 0 : last + 1));
  if (!digits || std::ranges::find(sizes, digits->size()) == sizes.end()) return content;
  wipe(*content);
  return std::move(*digits);
}

Result<std::unique_ptr<crypto::Keys>> make_ring(const RingOptions& options) {
  auto ring = std::make_unique<crypto::Keys>();
  for (const auto& path : options.keys) {
    const Result<Bytes> content = read_file(path);
    if (!content) return content.error();
    const std::string_view pem(reinterpret_cast<const char*>(content->data()), content->size());
    if (const Result<void> added = ring->add(path.string(), pem); !added) return added.error().within(path.string());
  }
  if (!options.mac_key) return ring;
  Result<Bytes> secret = read_secret(*options.mac_key, {32, 48, 64});
  if (!secret) return secret.error();
  const Result<void> added = ring->add_mac_key(options.mac_key->string(), *secret);
  wipe(*secret);
  if (!added) return added.error().within(options.mac_key->string());
  return ring;
}

}  // namespace hg::pack
