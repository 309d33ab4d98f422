// SPDX-License-Identifier: Apache-2.0
#include "suit/text.hpp"

#include <algorithm>
#include <string_view>

namespace hg::suit {
namespace {

constexpr std::int64_t kComponentVersion = 6;
constexpr std::size_t kMaxVersionBytes = 64;

bool is_presentable(std::string_view text) {
  return text.size() <= kMaxVersionBytes && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

/// One component's map of texts.
Result<void> read_component(const cbor::Key& key, cbor::Reader& reader, std::vector<Image>& images) {
  cbor::Reader id_reader(key.encoded, key.offset);
  const auto id = read_component_id(id_reader);
  if (!id) return id.error();
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  for (;;) {
    const auto label = keys->next_integer();
    if (!label) return label.error();
    if (!label->has_value()) return {};
    const auto text = reader.read_text();
    if (!text) return text.error();
    if (**label != kComponentVersion || !is_presentable(*text)) continue;
    for (Image& image : images) {
      if (image.component == *id && image.version.empty()) image.version = *text;
    }
  }
}

Result<void> read_language(cbor::Reader& reader, std::vector<Image>& images) {
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  for (;;) {
    const auto key = keys->next();
    if (!key) return key.error();
    if (!key->has_value()) return {};
    const bool is_component = !(*key)->integer && !(*key)->text;
    auto read = is_component ? read_component(**key, reader, images) : reader.skip();
    if (!read) return read;
  }
}

}  // namespace

Result<void> read_versions(const Element& text, std::vector<Image>& images) {
  cbor::Reader reader = text.content;
  auto languages = cbor::MapKeys::enter(reader);
  if (!languages) return languages.error();
  for (;;) {
    const auto language = languages->next();
    if (!language) return language.error();
    if (!language->has_value()) return reader.finish();
    if (auto read = read_language(reader, images); !read) return read;
  }
}

}  // namespace hg::suit
