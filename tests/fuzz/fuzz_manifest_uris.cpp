// SPDX-License-Identifier: Apache-2.0
// Any bytes as a manifest: each URI that is found stands in them, once, and a path that is made of one is a path.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "coap/manifest_uris.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hg::coap;
  const hg::ByteView input(data, size);
  const auto uris = coap_uris_in(input);
  if (!uris) return 0;
  if (uris->size() > kMaxManifestUris) std::abort();
  if (std::set<std::string>(uris->begin(), uris->end()).size() != uris->size()) std::abort();
  for (const std::string& uri : *uris) {
    if (uri.size() > kLongestUri || std::ranges::search(input, hg::as_bytes(uri)).empty()) std::abort();
    const auto path = path_of(uri);
    if (!path) continue;
    if (path->empty() || path->size() > uri.size() || path->front() == '/' || path->back() == '/') std::abort();
    if (path->find("//") != std::string::npos || path->find('\0') != std::string::npos) std::abort();
  }
  return 0;
}
