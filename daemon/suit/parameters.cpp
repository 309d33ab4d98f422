// SPDX-License-Identifier: Apache-2.0
#include "suit/parameters.hpp"

#include <algorithm>
#include <string>

#include "cose/encrypted.hpp"
#include "suit/limits.hpp"
#include "suit/wait.hpp"

namespace hg::suit {
namespace {

constexpr std::size_t kUuidBytes = 16;

Result<Slice> read_bounded(cbor::Reader& reader, std::size_t at_most) {
  const std::size_t offset = reader.offset();
  const auto bytes = read_slice(reader);
  if (!bytes || bytes->bytes.size() <= at_most) return bytes;
  return cbor::Reader::error_at(offset, Errc::too_large,
                                std::to_string(bytes->bytes.size()) + " bytes, at most " + std::to_string(at_most));
}

/// A private enterprise number (#6.112) in its place identifies no vendor to us: children report UUIDs.
Result<Slice> read_uuid(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  if (reader.next_is(cbor::Type::tag)) return reader.error(Errc::unsupported, "a tagged identifier, only UUIDs are");
  const auto id = read_slice(reader);
  if (!id || id->bytes.size() == kUuidBytes) return id;
  return cbor::Reader::error_at(offset, Errc::invalid,
                                "an identifier of " + std::to_string(id->bytes.size()) + " bytes");
}

Result<Digest> read_image_digest(cbor::Reader& reader) {
  auto content = reader.read_wrapped();
  if (!content) return content.error();
  const auto digest = read_digest(*content);
  if (!digest) return digest.error();
  if (auto finished = content->finish(); !finished) return finished.error();
  return *digest;
}

Result<std::uint64_t> read_number(cbor::Reader& reader) {
  return reader.read_uint();
}

Result<std::int64_t> read_integer(cbor::Reader& reader) {
  return reader.read_int();
}

Result<bool> read_flag(cbor::Reader& reader) {
  return reader.read_bool();
}

Result<Slice> read_content(cbor::Reader& reader) {
  return read_bounded(reader, kMaxContentBytes);
}

Result<Slice> read_arguments(cbor::Reader& reader) {
  return read_bounded(reader, kMaxArgumentBytes);
}

/// Printable ASCII without spaces (RFC 3986 §2); which schemes and hosts may be asked is for whoever fetches.
Result<Slice> read_uri(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto uri = reader.read_text();
  if (!uri) return uri.error();
  if (uri->empty() || uri->size() > kMaxUriBytes) {
    return cbor::Reader::error_at(offset, Errc::too_large, "a URI of " + std::to_string(uri->size()) + " bytes");
  }
  if (!std::ranges::all_of(*uri, [](char c) { return c > ' ' && c <= '~'; })) {
    return cbor::Reader::error_at(offset, Errc::invalid, "a URI with characters that URIs do not have");
  }
  return Slice{as_bytes(*uri), reader.offset() - uri->size(), 0};
}

/// The content of a byte string in which `check` reads all.
template <class Check>
Result<Slice> read_wrapped(cbor::Reader& reader, Check check) {
  const auto content = read_slice(reader);
  if (!content) return content.error();
  cbor::Reader inside = content->reader();
  const auto checked = check(inside);
  if (!checked) return checked.error();
  if (auto finished = inside.finish(); !finished) return finished.error();
  return *content;
}

Result<Slice> read_encryption_info(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  return read_wrapped(reader, [offset](cbor::Reader& inside) -> Result<void> {
    const auto message = cose::read_encrypted(inside);
    if (!message) return message.error();
    if (message->ciphertext) return cbor::Reader::error_at(offset, Errc::invalid, "an attached ciphertext");
    return {};
  });
}

Result<Slice> read_version(cbor::Reader& reader) {
  return read_wrapped(reader, read_version_condition);
}

Result<Slice> read_wait_info(cbor::Reader& reader) {
  return read_wrapped(reader, read_wait);
}

Result<Slice> read_metadata(cbor::Reader& reader) {
  return read_wrapped(reader, [](cbor::Reader& inside) -> Result<void> {
    if (inside.next_is(cbor::Type::map)) return inside.skip();
    return inside.error(Errc::invalid, "no map");
  });
}

struct Rule {
  std::int64_t key;
  std::string_view name;
  Result<void> (*read)(cbor::Reader& reader, Parameters& into);
  bool (*is_set)(const Parameters& in);
  void (*copy)(const Parameters& from, Parameters& to);
};

template <auto kMember, auto kRead>
constexpr Rule rule(std::int64_t key, std::string_view name) {
  return {key, name,
          [](cbor::Reader& reader, Parameters& into) -> Result<void> {
            const auto value = kRead(reader);
            if (!value) return value.error();
            into.*kMember = *value;
            return {};
          },
          [](const Parameters& in) { return (in.*kMember).has_value(); },
          [](const Parameters& from, Parameters& to) { to.*kMember = from.*kMember; }};
}

constexpr Rule kRules[] = {
    rule<&Parameters::vendor_id, read_uuid>(1, "vendor-identifier"),
    rule<&Parameters::class_id, read_uuid>(2, "class-identifier"),
    rule<&Parameters::image_digest, read_image_digest>(3, "image-digest"),
    rule<&Parameters::use_before, read_number>(4, "use-before"),
    rule<&Parameters::slot, read_number>(5, "component-slot"),
    rule<&Parameters::strict_order, read_flag>(12, "strict-order"),
    rule<&Parameters::soft_failure, read_flag>(13, "soft-failure"),
    rule<&Parameters::image_size, read_number>(14, "image-size"),
    rule<&Parameters::content, read_content>(18, "content"),
    rule<&Parameters::encryption_info, read_encryption_info>(19, "encryption-info"),
    rule<&Parameters::uri, read_uri>(21, "uri"),
    rule<&Parameters::source, read_number>(22, "source-component"),
    rule<&Parameters::invoke_arguments, read_arguments>(23, "invoke-args"),
    rule<&Parameters::device_id, read_uuid>(24, "device-identifier"),
    rule<&Parameters::fetch_arguments, read_arguments>(25, "fetch-arguments"),
    rule<&Parameters::battery_mwh, read_number>(26, "minimum-battery"),
    rule<&Parameters::priority, read_integer>(27, "update-priority"),
    rule<&Parameters::version, read_version>(28, "version"),
    rule<&Parameters::wait, read_wait_info>(29, "wait-info"),
    rule<&Parameters::metadata, read_metadata>(30, "component-metadata"),
};

Result<const Rule*> find_rule(std::int64_t key, std::size_t key_offset) {
  const auto* rule = std::ranges::find(kRules, key, &Rule::key);
  if (rule != std::end(kRules)) return rule;
  return cbor::Reader::error_at(key_offset, Errc::unsupported, "unknown parameter " + std::to_string(key));
}

std::string name_of(const Rule& rule) {
  return "parameter " + std::string(rule.name) + " (" + std::to_string(rule.key) + ")";
}

Result<void> read_parameter(std::int64_t key, std::size_t key_offset, cbor::Reader& reader, Parameters& into) {
  const auto rule = find_rule(key, key_offset);
  if (!rule) return rule.error();
  if (auto read = (*rule)->read(reader, into); !read) return read.error().within(name_of(**rule));
  return {};
}

}  // namespace

void Parameters::override_with(const Parameters& other) {
  for (const Rule& rule : kRules) {
    if (rule.is_set(other)) rule.copy(other, *this);
  }
}

void Parameters::fill_from(const Parameters& other) {
  for (const Rule& rule : kRules) {
    if (rule.is_set(other) && !rule.is_set(*this)) rule.copy(other, *this);
  }
}

Result<Parameters> read_parameters(cbor::Reader& reader, std::size_t manifest) {
  Parameters parameters;
  const std::size_t start = reader.offset();
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  if (keys->count() == 0) return cbor::Reader::error_at(start, Errc::invalid, "an empty parameter map");
  for (;;) {
    const std::size_t offset = reader.offset();
    const auto key = keys->next_integer();
    if (!key) return key.error();
    if (!key->has_value()) break;
    if (auto read = read_parameter(**key, offset, reader, parameters); !read) return read.error();
  }
  for (auto* slice : {&parameters.uri, &parameters.content}) {
    if (*slice) (*slice)->manifest = manifest;
  }
  return parameters;
}

Result<void> copy_parameters(cbor::Reader& keys, const Parameters& from, Parameters& to) {
  const std::size_t start = keys.offset();
  const auto count = keys.enter_array();
  if (!count) return count.error();
  if (*count == 0 || *count > std::size(kRules)) {
    return cbor::Reader::error_at(start, Errc::invalid, "a list of " + std::to_string(*count) + " parameters");
  }
  for (std::size_t i = 0; i < *count; ++i) {
    const std::size_t offset = keys.offset();
    const auto key = keys.read_int();
    if (!key) return key.error();
    const auto rule = find_rule(*key, offset);
    if (!rule) return rule.error();
    if (!(*rule)->is_set(from)) {
      return cbor::Reader::error_at(offset, Errc::invalid, name_of(**rule) + " is not set there");
    }
    (*rule)->copy(from, to);
  }
  return {};
}

}  // namespace hg::suit
