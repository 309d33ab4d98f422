// SPDX-License-Identifier: Apache-2.0
#include "pack/inspect.hpp"

#include <algorithm>
#include <iostream>

#include "images/mcuboot.hpp"
#include "pack/describe.hpp"
#include "pack/files.hpp"
#include "pack/mcuboot_check.hpp"
#include "pack/words.hpp"

namespace hg::pack {

namespace {

namespace json = boost::json;

constexpr std::uint8_t kEncryptTag[] = {0xd8, 96};
constexpr std::uint8_t kEnvelopeTag[] = {0xd8, 107};

bool begins_with(ByteView bytes, ByteView beginning) {
  return bytes.size() >= beginning.size() && std::ranges::equal(bytes.first(beginning.size()), beginning);
}

Result<json::object> describe(ByteView bytes) {
  if (begins_with(bytes, kEnvelopeTag)) return describe_envelope(bytes);
  if (trust::looks_like_record(bytes)) return describe_record(bytes);
  if (begins_with(bytes, kEncryptTag)) return describe_encryption_info(bytes);
  const Result<std::optional<images::McubootImage>> image = look_into(bytes);
  if (!image) return image.error();
  if (*image) return describe_image(**image);
  return Error{Errc::unsupported, "neither a SUIT envelope, a trust record, an encryption info nor a MCUboot image"};
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

bool is_plain(const json::value& value) {
  return !value.is_object() && !value.is_array();
}

/// "name: value" lines, what is inside indented; lists of plain values on one line.
void print(const json::object& object, const std::string& indent) {
  for (const auto& [name, value] : object) {
    std::string line = indent + std::string(name) + ": ";
    std::ranges::replace(line, '_', ' ');
    if (value.is_object()) {
      std::cout << clean(line) << '\n';
      print(value.get_object(), indent + "  ");
      continue;
    }
    if (!value.is_array()) {
      std::cout << clean(line + text_of(value)) << '\n';
      continue;
    }
    std::vector<std::string> words;
    for (const json::value& element : value.get_array())
      if (is_plain(element)) words.push_back(text_of(element));
    std::cout << clean(line + joined(words)) << '\n';
    for (const json::value& element : value.get_array()) {
      if (!element.is_object()) continue;
      std::cout << indent << "  -\n";
      print(element.get_object(), indent + "    ");
    }
  }
}

}  // namespace

Result<void> inspect(const InspectOptions& options) {
  const Result<Bytes> content = read_file(options.file);
  if (!content) return content.error();
  const Result<json::object> description = describe(*content);
  if (!description) return description.error().within(options.file.string());
  if (options.json)
    std::cout << json::serialize(*description) << '\n';
  else
    print(*description, "");
  return {};
}

}  // namespace hg::pack
