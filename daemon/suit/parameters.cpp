// SPDX-License-Identifier: Apache-2.0
#include "suit/parameters.hpp"

#include <algorithm>
#include <string>

#include "suit/element.hpp"
#include "suit/limits.hpp"

namespace hg::suit {
namespace {

constexpr std::size_t kUuidBytes = 16;

Result<void> read_uuid(cbor::Reader& reader, std::optional<ByteView>& into) {
  const std::size_t offset = reader.offset();
  const auto bytes = reader.read_bytes();
  if (!bytes) return bytes.error();
  if (bytes->size() != kUuidBytes) {
    return cbor::Reader::error_at(offset, Errc::invalid,
                                  "an identifier of " + std::to_string(bytes->size()) + " bytes");
  }
  into = *bytes;
  return {};
}

Result<void> read_vendor_id(cbor::Reader& reader, Parameters& into) {
  return read_uuid(reader, into.vendor_id);
}
Result<void> read_class_id(cbor::Reader& reader, Parameters& into) {
  return read_uuid(reader, into.class_id);
}
Result<void> read_device_id(cbor::Reader& reader, Parameters& into) {
  return read_uuid(reader, into.device_id);
}

Result<void> read_image_digest(cbor::Reader& reader, Parameters& into) {
  auto content = reader.read_wrapped();
  if (!content) return content.error();
  const auto digest = read_digest(*content);
  if (!digest) return digest.error();
  if (auto finished = content->finish(); !finished) return finished.error();
  into.image_digest = *digest;
  return {};
}

Result<void> read_image_size(cbor::Reader& reader, Parameters& into) {
  const auto size = reader.read_uint();
  if (!size) return size.error();
  into.image_size = *size;
  return {};
}

/// Printable ASCII without spaces (RFC 3986 §2); which schemes and hosts may be asked is for whoever fetches.
Result<void> read_uri(cbor::Reader& reader, Parameters& into) {
  const std::size_t offset = reader.offset();
  const auto uri = reader.read_text();
  if (!uri) return uri.error();
  if (uri->empty() || uri->size() > kMaxUriBytes) {
    return cbor::Reader::error_at(offset, Errc::too_large, "a URI of " + std::to_string(uri->size()) + " bytes");
  }
  if (!std::ranges::all_of(*uri, [](char c) { return c > ' ' && c <= '~'; })) {
    return cbor::Reader::error_at(offset, Errc::invalid, "a URI with characters that URIs do not have");
  }
  into.uri = *uri;
  return {};
}

/// Strict order only permits to work in parallel, which a symbolic run never does.
Result<void> read_strict_order(cbor::Reader& reader, Parameters&) {
  const auto value = reader.read_bool();
  if (!value) return value.error();
  return {};
}

struct Rule {
  std::int64_t key;
  std::string_view name;
  Result<void> (*read)(cbor::Reader&, Parameters&);  ///< none: known to the drafts, not yet to us
};

constexpr Rule kRules[] = {
    {1, "vendor-identifier", read_vendor_id},
    {2, "class-identifier", read_class_id},
    {3, "image-digest", read_image_digest},
    {4, "use-before", nullptr},
    {5, "component-slot", nullptr},
    {12, "strict-order", read_strict_order},
    {13, "soft-failure", nullptr},
    {14, "image-size", read_image_size},
    {18, "content", nullptr},
    {19, "encryption-info", nullptr},
    {21, "uri", read_uri},
    {22, "source-component", nullptr},
    {23, "invoke-args", nullptr},
    {24, "device-identifier", read_device_id},
    {25, "fetch-arguments", nullptr},
    {26, "minimum-battery", nullptr},
    {27, "update-priority", nullptr},
    {28, "version", nullptr},
    {29, "wait-info", nullptr},
    {30, "component-metadata", nullptr},
};

Result<void> read_parameter(std::int64_t key, std::size_t key_offset, cbor::Reader& reader, Parameters& into) {
  const auto rule = std::ranges::find(kRules, key, &Rule::key);
  if (rule == std::end(kRules)) {
    return cbor::Reader::error_at(key_offset, Errc::unsupported, "unknown parameter " + std::to_string(key));
  }
  const std::string name = "parameter " + std::string(rule->name) + " (" + std::to_string(key) + ")";
  if (rule->read == nullptr) return cbor::Reader::error_at(key_offset, Errc::unsupported, name + " is not supported");
  auto read = rule->read(reader, into);
  if (!read) return read.error().within(name);
  return {};
}

template <class T>
void override_one(std::optional<T>& mine, const std::optional<T>& other) {
  if (other) mine = other;
}

template <class T>
void fill_one(std::optional<T>& mine, const std::optional<T>& other) {
  if (!mine) mine = other;
}

}  // namespace

void Parameters::override_with(const Parameters& other) {
  override_one(vendor_id, other.vendor_id);
  override_one(class_id, other.class_id);
  override_one(device_id, other.device_id);
  override_one(image_digest, other.image_digest);
  override_one(image_size, other.image_size);
  override_one(uri, other.uri);
}

void Parameters::fill_from(const Parameters& other) {
  fill_one(vendor_id, other.vendor_id);
  fill_one(class_id, other.class_id);
  fill_one(device_id, other.device_id);
  fill_one(image_digest, other.image_digest);
  fill_one(image_size, other.image_size);
  fill_one(uri, other.uri);
}

Result<Parameters> read_parameters(cbor::Reader& reader) {
  Parameters parameters;
  const std::size_t start = reader.offset();
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  if (keys->count() == 0) return cbor::Reader::error_at(start, Errc::invalid, "an empty parameter map");
  for (;;) {
    const std::size_t offset = reader.offset();
    const auto key = keys->next_integer();
    if (!key) return key.error();
    if (!key->has_value()) return parameters;
    if (auto read = read_parameter(**key, offset, reader, parameters); !read) return read.error();
  }
}

}  // namespace hg::suit
