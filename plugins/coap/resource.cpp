// SPDX-License-Identifier: Apache-2.0
#include "coap/resource.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/cbor.hpp"
#include "coap/senml_cbor.hpp"
#include "coap/tlv.hpp"

namespace hg::coap {
namespace {

constexpr double kLargestWhole = 9007199254740992.0;  // 2^53: a double holds every integer below
constexpr std::size_t kLevels = 4;

template <class Number>
std::optional<Number> number_from(std::string_view text) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> integer_in(const Bytes& bytes) {
  if (bytes.empty() || bytes.size() > 8 || (bytes.size() & (bytes.size() - 1)) != 0) return std::nullopt;
  std::uint64_t value = (bytes.front() & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (const std::uint8_t byte : bytes) value = value << 8U | byte;
  return static_cast<std::int64_t>(value);
}

std::optional<ObjectLink> link_in(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto object = number_from<std::uint16_t>(text.substr(0, colon));
  const auto instance = number_from<std::uint16_t>(text.substr(colon + 1));
  if (!object || !instance) return std::nullopt;
  return ObjectLink{*object, *instance};
}

std::optional<ObjectLink> link_in(const Bytes& bytes) {
  if (bytes.size() != 4) return std::nullopt;
  return ObjectLink{static_cast<std::uint16_t>(bytes[0] << 8U | bytes[1]),
                    static_cast<std::uint16_t>(bytes[2] << 8U | bytes[3])};
}

Error wrong_path(std::string_view text) {
  return Error{Errc::invalid, "'" + std::string(text.substr(0, 32)) + "' is no path of a resource"};
}

Result<Resources> single_value(const ResourcePath& read, Value value) {
  if (!read.resource) return Error{Errc::unsupported, "an answer with one value to a read of " + text_of(read)};
  return Resources{{Resource{read, std::move(value)}}};
}

Result<Resources> wrapped(Result<std::vector<Resource>> resources) {
  if (!resources) return resources.error();
  return Resources{std::move(*resources)};
}

struct TextWriter {
  Result<std::string> operator()(std::int64_t value) const { return std::to_string(value); }
  Result<std::string> operator()(bool value) const { return value ? "1" : "0"; }
  Result<std::string> operator()(double value) const {
    std::array<char, 32> digits{};
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return std::string(digits.data(), result.ptr);
  }
  Result<std::string> operator()(const std::string& value) const { return value; }
  Result<std::string> operator()(const PlainText& value) const { return value.text; }
  Result<std::string> operator()(ObjectLink link) const {
    return std::to_string(link.object) + ":" + std::to_string(link.instance);
  }
  Result<std::string> operator()(const Bytes& /*value*/) const { return no_text(); }
  Result<std::string> operator()(const Untyped& /*value*/) const { return no_text(); }
  static Error no_text() { return {Errc::unsupported, "bytes do not travel as text"}; }
};

}  // namespace

Result<ResourcePath> resource_path_from(std::string_view text) {
  std::string_view rest = text.starts_with('/') ? text.substr(1) : text;
  std::array<std::optional<std::uint16_t>, kLevels> ids{};
  for (auto& id : ids) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    id = number_from<std::uint16_t>(rest.substr(0, slash));
    if (!id || *id == kNoId) return wrong_path(text);
    const bool is_last = slash == rest.size();
    rest.remove_prefix(is_last ? slash : slash + 1);
    if (is_last) return ResourcePath{*ids[0], ids[1], ids[2], ids[3]};
  }
  return wrong_path(text);
}

std::string text_of(const ResourcePath& path) {
  std::string text = std::to_string(path.object);
  for (const auto& id : {path.instance, path.resource, path.member}) {
    if (!id) break;
    text += "/" + std::to_string(*id);
  }
  return text;
}

std::optional<std::int64_t> Value::integer() const {
  if (const auto* value = std::get_if<std::int64_t>(&form_)) return *value;
  if (const auto* untyped = std::get_if<Untyped>(&form_)) return integer_in(untyped->bytes);
  if (const auto* plain = std::get_if<PlainText>(&form_)) return number_from<std::int64_t>(plain->text);
  const auto* real = std::get_if<double>(&form_);
  if (real == nullptr || !(std::abs(*real) < kLargestWhole) || std::trunc(*real) != *real) return std::nullopt;
  return static_cast<std::int64_t>(*real);
}

std::optional<bool> Value::boolean() const {
  if (const auto* value = std::get_if<bool>(&form_)) return *value;
  const auto number = integer();
  if (!number || *number < 0 || *number > 1) return std::nullopt;
  return *number == 1;
}

std::optional<std::string> Value::text() const {
  if (const auto* value = std::get_if<std::string>(&form_)) return *value;
  if (const auto* plain = std::get_if<PlainText>(&form_)) return plain->text;
  const auto* untyped = std::get_if<Untyped>(&form_);
  if (untyped == nullptr || !cbor::is_utf8(untyped->bytes)) return std::nullopt;
  return std::string(untyped->bytes.begin(), untyped->bytes.end());
}

std::optional<Bytes> Value::opaque() const {
  if (const auto* value = std::get_if<Bytes>(&form_)) return *value;
  if (const auto* untyped = std::get_if<Untyped>(&form_)) return untyped->bytes;
  return std::nullopt;
}

std::optional<ObjectLink> Value::link() const {
  if (const auto* value = std::get_if<ObjectLink>(&form_)) return *value;
  if (const auto* untyped = std::get_if<Untyped>(&form_)) return link_in(untyped->bytes);
  if (const auto* plain = std::get_if<PlainText>(&form_)) return link_in(std::string_view(plain->text));
  return std::nullopt;
}

bool InstanceView::is_there() const {
  return std::ranges::any_of(
      *all_, [&](const Resource& one) { return one.path.object == object_ && one.path.instance == instance_; });
}

const Value* InstanceView::find(std::uint16_t resource) const {
  const ResourcePath path{object_, instance_, resource};
  const auto found = std::ranges::find(*all_, path, &Resource::path);
  return found == all_->end() ? nullptr : &found->value;
}

std::optional<std::int64_t> InstanceView::integer(std::uint16_t resource) const {
  const Value* value = find(resource);
  return value == nullptr ? std::nullopt : value->integer();
}

std::optional<bool> InstanceView::boolean(std::uint16_t resource) const {
  const Value* value = find(resource);
  return value == nullptr ? std::nullopt : value->boolean();
}

std::optional<std::string> InstanceView::text(std::uint16_t resource) const {
  const Value* value = find(resource);
  return value == nullptr ? std::nullopt : value->text();
}

std::vector<const Value*> InstanceView::values(std::uint16_t resource) const {
  std::vector<const Value*> found;
  for (const Resource& one : *all_) {
    const ResourcePath path{one.path.object, one.path.instance, one.path.resource};
    if (path == ResourcePath{object_, instance_, resource}) found.push_back(&one.value);
  }
  return found;
}

std::vector<std::uint16_t> Resources::instances(std::uint16_t object) const {
  std::vector<std::uint16_t> found;
  for (const Resource& one : all_) {
    if (one.path.object == object && one.path.instance) found.push_back(*one.path.instance);
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

const Value* Resources::at(const ResourcePath& path) const {
  const auto found = std::ranges::find(all_, path, &Resource::path);
  return found == all_.end() ? nullptr : &found->value;
}

Result<Resources> resources_from(std::optional<Format> format, ByteView body, const ResourcePath& read,
                                 std::string_view root) {
  if (body.size() > kMaxAnswer) return Error{Errc::too_large, "an answer of more than 16 KiB"};
  switch (format.value_or(Format::text)) {
    case Format::text:
      if (!cbor::is_utf8(body)) return Error{Errc::invalid, "text that is not UTF-8"};
      return single_value(read, PlainText{std::string(body.begin(), body.end())});
    case Format::opaque:
      return single_value(read, Bytes(body.begin(), body.end()));
    case Format::tlv:
      return wrapped(resources_from_tlv(body, read));
    case Format::senml_cbor:
      return wrapped(resources_from_senml_cbor(body, root));
    default:
      break;
  }
  return Error{Errc::unsupported, "an answer in Content-Format " + std::to_string(static_cast<unsigned>(*format))};
}

Result<Bytes> body_of(Format format, const ResourcePath& path, const Value& value) {
  if (!path.resource || path.member) return Error{Errc::unsupported, "only a resource is written"};
  if (format == Format::tlv) return tlv_of(*path.resource, value);
  if (format == Format::senml_cbor) return senml_cbor_of(path, value);
  if (format != Format::text) return Error{Errc::unsupported, "a value is written as text, TLV or SenML-CBOR"};
  const auto text = std::visit(TextWriter{}, value.form());
  if (!text) return text.error();
  return Bytes(text->begin(), text->end());
}

}  // namespace hg::coap
