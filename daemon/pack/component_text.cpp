// SPDX-License-Identifier: Apache-2.0
#include "pack/component_text.hpp"

#include <algorithm>

namespace hg::pack {

Result<suit::ComponentId> component_from(std::string_view text) {
  suit::ComponentId component;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    const auto hex = part.starts_with("0x") ? from_hex(part.substr(2)) : std::nullopt;
    const ByteView plain = as_bytes(part);
    component.parts.push_back(hex ? *hex : Bytes(plain.begin(), plain.end()));
    begin = end + 1;
  }
  Bytes encoded;
  cbor::Writer writer(encoded);
  writer.array(component.parts.size());
  for (const Bytes& part : component.parts) writer.bytes(part);
  cbor::Reader reader(encoded);
  const Result<suit::ComponentId> read = suit::read_component_id(reader);
  if (!read || read->text() != text)
    return Error{Errc::invalid, "\"" + std::string(text) +
                                    "\" is no component: parts of letters, digits and . _ - "
                                    "with / between them; other bytes as 0x and hexadecimal digits"};
  return component;
}

}  // namespace hg::pack
