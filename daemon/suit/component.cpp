// SPDX-License-Identifier: Apache-2.0
#include "suit/component.hpp"

#include <algorithm>
#include <string_view>

#include "suit/limits.hpp"

namespace hg::suit {
namespace {

bool is_plain(std::uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '.' ||
         byte == '_' || byte == '-';
}

/// As it is only if it cannot be taken for a hexadecimal one.
bool stands_as_text(const std::string& part) {
  const auto plain = [](char c) { return is_plain(static_cast<std::uint8_t>(c)); };
  return !part.starts_with("0x") && std::ranges::all_of(part, plain);
}

bool walks_a_file_system(ByteView part) {
  const std::string text(part.begin(), part.end());
  if (text == "." || text == "..") return true;
  const bool is_printable = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  return is_printable && text.find_first_of("/\\") != std::string::npos;
}

}  // namespace

std::string ComponentId::text() const {
  std::string path;
  for (const Bytes& part : parts) {
    if (!path.empty()) path += '/';
    const std::string as_text(part.begin(), part.end());
    path += stands_as_text(as_text) ? as_text : "0x" + to_hex(part);
  }
  return path;
}

Result<ComponentId> read_component_id(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto count = reader.enter_array();
  if (!count) return count.error().within("component id");
  if (*count == 0 || *count > kMaxComponentIdParts) {
    return cbor::Reader::error_at(offset, Errc::invalid, "a component id of " + std::to_string(*count) + " parts");
  }
  ComponentId id;
  for (std::size_t i = 0; i < *count; ++i) {
    const std::size_t part_offset = reader.offset();
    const auto part = reader.read_bytes();
    if (!part) return part.error().within("component id");
    if (part->empty() || part->size() > kMaxComponentIdPartBytes || walks_a_file_system(*part)) {
      return cbor::Reader::error_at(part_offset, Errc::invalid, "a component id part that is empty, long or a path");
    }
    id.parts.emplace_back(part->begin(), part->end());
  }
  return id;
}

}  // namespace hg::suit
