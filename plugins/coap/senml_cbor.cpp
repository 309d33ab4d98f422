// SPDX-License-Identifier: Apache-2.0
#include "coap/senml_cbor.hpp"

#include <bit>
#include <cmath>

#include "base/cbor.hpp"
#include "sdk/loose_cbor.hpp"

namespace hg::coap {
namespace {

using plugin::LooseReader;
using Kind = LooseReader::Kind;

/// Labels (RFC 8428 section 6, table 4). An object link has none: "vlo" (OMA section 7.4.5).
constexpr std::int64_t kBaseName = -2;
constexpr std::int64_t kBaseValue = -5;
constexpr std::int64_t kName = 0;
constexpr std::int64_t kValue = 2;
constexpr std::int64_t kStringValue = 3;
constexpr std::int64_t kBooleanValue = 4;
constexpr std::int64_t kDataValue = 8;
constexpr std::string_view kObjectLinkValue = "vlo";
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestLabel = 32;

struct Record {
  std::string name;
  std::optional<Value> value;
};

Error wrong(std::string_view what) {
  return Error{Errc::invalid, "SenML: " + std::string(what)};
}

Result<std::string> text_in(LooseReader& reader, std::size_t limit) {
  auto text = reader.read_text(limit);
  if (text && !cbor::is_utf8(as_bytes(*text))) return wrong("text that is not UTF-8");
  return text;
}

Result<Value> number_in(LooseReader& reader) {
  const auto kind = reader.peek();
  if (!kind) return kind.error();
  if (*kind == Kind::integer) {
    const auto value = reader.read_int();
    if (!value) return value.error();
    return Value{*value};
  }
  const auto value = reader.read_real();
  if (!value) return value.error();
  if (!std::isfinite(*value)) return wrong("a number that is not finite");
  return Value{*value};
}

template <class T>
Result<Value> value_from(Result<T> read) {
  if (!read) return read.error();
  return Value{std::move(*read)};
}

Result<Value> link_in(LooseReader& reader) {
  auto text = text_in(reader, kLongestName);
  if (!text) return text.error();
  const auto link = Value{PlainText{std::move(*text)}}.link();
  if (!link) return wrong("an object link that is none");
  return Value{*link};
}

Result<Value> boolean_in(LooseReader& reader) {
  const auto kind = reader.peek();
  if (!kind) return kind.error();
  if (*kind != Kind::boolean) return wrong("a boolean value that is none");
  return value_from(reader.read_bool());
}

class Reading {
 public:
  Reading(ByteView body, std::string_view root) : reader_(body), root_(root) {}

  Result<std::vector<Resource>> read() {
    auto records = reader_.enter_array();
    if (!records) return records.error().within("SenML");
    for (;;) {
      const auto another = reader_.more(*records);
      if (!another) return another.error().within("SenML");
      if (!*another) break;
      if (auto done = read_record(); !done) return done.error();
    }
    if (!reader_.at_end()) return wrong("bytes are left over");
    return std::move(found_);
  }

 private:
  Result<void> read_record() {
    auto fields = reader_.enter_map();
    if (!fields) return fields.error().within("SenML");
    Record record;
    for (;;) {
      const auto another = reader_.more(*fields);
      if (!another) return another.error().within("SenML");
      if (!*another) return keep(std::move(record));
      if (auto done = read_field(record); !done) return done.error();
    }
  }

  Result<void> read_field(Record& record) {
    const auto kind = reader_.peek();
    if (!kind) return kind.error();
    if (*kind != Kind::integer) return read_named_field(record);
    const auto label = reader_.read_int();
    if (!label) return label.error();
    switch (*label) {
      case kBaseName:
        return take_text(base_);
      case kName:
        return take_text(record.name);
      case kBaseValue:
        return wrong("base values are not used by LwM2M");
      case kValue:
        return take_value(number_in(reader_), record);
      case kStringValue:
        return take_value(value_from(text_in(reader_, kMaxAnswer)), record);
      case kBooleanValue:
        return take_value(boolean_in(reader_), record);
      case kDataValue:
        return take_value(value_from(reader_.read_bytes(kMaxAnswer)), record);
      default:
        return reader_.skip();
    }
  }

  Result<void> read_named_field(Record& record) {
    const auto label = reader_.read_text(kLongestLabel);
    if (!label) return label.error().within("SenML: a label");
    if (*label == kObjectLinkValue) return take_value(link_in(reader_), record);
    if (label->ends_with('_')) return wrong("a label that must be understood");  // RFC 8428 section 4.4
    return reader_.skip();
  }

  Result<void> take_text(std::string& to) {
    auto text = text_in(reader_, kLongestName + root_.size());
    if (!text) return text.error().within("SenML: a name");
    to = std::move(*text);
    return {};
  }

  static Result<void> take_value(Result<Value> value, Record& record) {
    if (!value) return value.error().within("SenML: a value");
    if (record.value) return wrong("a record with two values");
    record.value = std::move(*value);
    return {};
  }

  Result<void> keep(Record record) {
    if (!record.value) return {};
    const std::string name = base_ + record.name;
    const auto path = resource_path_from(below_root(name));
    if (!path) return path.error().within("SenML");
    if (!path->resource) return wrong("a value for " + text_of(*path));
    if (found_.size() == kMaxResources) return Error{Errc::too_large, "SenML: more than 512 values"};
    found_.push_back({*path, std::move(*record.value)});
    return {};
  }

  [[nodiscard]] std::string_view below_root(std::string_view name) const {
    const std::string_view path = name.starts_with('/') ? name.substr(1) : name;
    const bool is_below = !root_.empty() && path.starts_with(root_) && path.substr(root_.size()).starts_with('/');
    return is_below ? path.substr(root_.size()) : name;
  }

  LooseReader reader_;
  std::string_view root_;
  std::string base_;
  std::vector<Resource> found_;
};

/// Writes the label and the value.
struct FieldWriter {
  cbor::Writer& out;

  void operator()(std::int64_t value) const { out.integer(kValue).integer(value); }
  void operator()(bool value) const { out.integer(kBooleanValue).boolean(value); }
  void operator()(double value) const {
    constexpr std::uint8_t kDoubleHead = 0xFB;
    Bytes item{kDoubleHead};
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (unsigned shift = 64; shift > 0; shift -= 8) item.push_back(static_cast<std::uint8_t>(bits >> (shift - 8U)));
    out.integer(kValue).encoded(item);
  }
  void operator()(const std::string& value) const { out.integer(kStringValue).text(value); }
  void operator()(const PlainText& value) const { (*this)(value.text); }
  void operator()(const Bytes& value) const { out.integer(kDataValue).bytes(value); }
  void operator()(const Untyped& value) const { (*this)(value.bytes); }
  void operator()(ObjectLink link) const {
    out.text(kObjectLinkValue).text(std::to_string(link.object) + ":" + std::to_string(link.instance));
  }
};

}  // namespace

Result<std::vector<Resource>> resources_from_senml_cbor(ByteView body, std::string_view root) {
  return Reading(body, root).read();
}

Bytes senml_cbor_of(const ResourcePath& path, const Value& value) {
  Bytes bytes;
  cbor::Writer out(bytes);
  out.array(1).map(2).integer(kName).text("/" + text_of(path));
  std::visit(FieldWriter{out}, value.form());
  return bytes;
}

}  // namespace hg::coap
