// SPDX-License-Identifier: Apache-2.0
#include "base/cbor.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace hg::cbor {
namespace {

constexpr std::uint8_t kSimpleFalse = 20;
constexpr std::uint8_t kSimpleTrue = 21;
constexpr std::uint8_t kSimpleNull = 22;
constexpr std::uint8_t kFirstLongArgument = 24;  // 24..27: one, two, four or eight bytes follow
constexpr std::uint8_t kLastLongArgument = 27;
constexpr std::uint8_t kIndefinite = 31;

constexpr std::uint64_t kMaxInt64 = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

constexpr std::array<Type, 7> kTypeOfMajor = {
    Type::unsigned_integer, Type::negative_integer, Type::bytes, Type::text, Type::array, Type::map, Type::tag};

/// How many items directly inside an item of this head come after it.
std::uint64_t children_of(Type type, std::uint64_t argument) {
  switch (type) {
    case Type::array:
      return argument;
    case Type::map:
      return 2 * argument;  // no overflow: the argument was checked against the bytes left
    case Type::tag:
      return 1;
    default:
      return 0;
  }
}

/// The length of the UTF-8 sequence at the start of `bytes`, 0 if there is no well-formed one (RFC 3629 §4).
std::size_t utf8_sequence(ByteView bytes) {
  const std::uint8_t first = bytes[0];
  if (first < 0x80) return 1;
  std::size_t size = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    size = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    size = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    size = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  }
  if (size == 0 || bytes.size() < size || bytes[1] < low || bytes[1] > high) return 0;
  const auto rest = bytes.subspan(2, size - 2);
  return std::ranges::all_of(rest, [](std::uint8_t byte) { return (byte & 0xC0U) == 0x80U; }) ? size : 0;
}

}  // namespace

std::string_view name_of(Type type) {
  switch (type) {
    case Type::unsigned_integer:
      return "unsigned integer";
    case Type::negative_integer:
      return "negative integer";
    case Type::bytes:
      return "byte string";
    case Type::text:
      return "text string";
    case Type::array:
      return "array";
    case Type::map:
      return "map";
    case Type::tag:
      return "tag";
    case Type::boolean:
      return "boolean";
    case Type::null:
      return "null";
  }
  return "item";
}

bool is_utf8(ByteView bytes) {
  while (!bytes.empty()) {
    const std::size_t size = utf8_sequence(bytes);
    if (size == 0) return false;
    bytes = bytes.subspan(size);
  }
  return true;
}

Error Reader::error_at(std::size_t offset, Errc code, std::string_view what) {
  return Error{code, std::string(what)}.within("offset " + std::to_string(offset));
}

/// What is wrong with a head. Its text is made only where somebody is told: looking ahead costs nothing.
enum class Reader::Fault : std::uint8_t { none, end, end_inside, long_form, not_ours, indefinite, reserved, too_long };

std::string Reader::text_of(Fault fault, Type type) {
  switch (fault) {
    case Fault::end:
      return "the input ends where an item should begin";
    case Fault::end_inside:
      return "the input ends inside an item head";
    case Fault::long_form:
      return "a head that is not the shortest one";
    case Fault::not_ours:
      return "a float, a break or a simple value other than false, true and null";
    case Fault::indefinite:
      return "an indefinite length";
    case Fault::reserved:
      return "a reserved item head";
    case Fault::too_long:
      return std::string(name_of(type)) + " longer than the input";
    case Fault::none:
      break;
  }
  return "no fault";
}

/// The argument that stands in `size` bytes after the first.
Reader::Fault Reader::find_argument(std::size_t size, Head& head) const {
  if (left() < 1 + size) return Fault::end_inside;
  head.argument = 0;
  for (const std::uint8_t byte : input_.subspan(position_ + 1, size)) head.argument = head.argument << 8U | byte;
  head.size = 1 + size;
  const std::uint64_t smallest = size == 1 ? kFirstLongArgument : 1ULL << (4 * size);
  return head.argument < smallest ? Fault::long_form : Fault::none;
}

Reader::Fault Reader::find_head(Head& head) const {
  if (at_end()) return Fault::end;
  const std::uint8_t major = input_[position_] >> 5U;
  const std::uint8_t low_bits = input_[position_] & 0x1FU;
  if (major == 7) {
    if (low_bits != kSimpleFalse && low_bits != kSimpleTrue && low_bits != kSimpleNull) return Fault::not_ours;
    head = {low_bits == kSimpleNull ? Type::null : Type::boolean, low_bits == kSimpleTrue ? 1U : 0U, 1};
    return Fault::none;
  }
  head = {kTypeOfMajor[major], low_bits, 1};
  if (low_bits == kIndefinite) return Fault::indefinite;
  if (low_bits > kLastLongArgument) return Fault::reserved;
  if (low_bits >= kFirstLongArgument) {
    const Fault fault = find_argument(std::size_t{1} << (low_bits - kFirstLongArgument), head);
    if (fault != Fault::none) return fault;
  }
  // What is announced must be there: a length or count beyond the input costs nothing but this comparison.
  const std::size_t room = left() - head.size;
  const bool is_string = head.type == Type::bytes || head.type == Type::text;
  if ((is_string || head.type == Type::array) && head.argument > room) return Fault::too_long;
  if (head.type == Type::map && head.argument > room / 2) return Fault::too_long;
  return Fault::none;
}

Result<Reader::Head> Reader::head() const {
  Head found;
  const Fault fault = find_head(found);
  if (fault != Fault::none) return error(Errc::invalid, text_of(fault, found.type));
  return found;
}

Result<Reader::Head> Reader::head_of(Type type) const {
  auto found = head();
  if (found && found->type != type) {
    return error(Errc::invalid,
                 std::string(name_of(found->type)) + " where " + std::string(name_of(type)) + " should be");
  }
  return found;
}

Result<Type> Reader::peek() const {
  const auto found = head();
  if (!found) return found.error();
  return found->type;
}

bool Reader::next_is(Type type) const {
  Head found;
  return find_head(found) == Fault::none && found.type == type;
}

Result<std::uint64_t> Reader::read_uint() {
  const auto found = head_of(Type::unsigned_integer);
  if (!found) return found.error();
  position_ += found->size;
  return found->argument;
}

Result<std::int64_t> Reader::read_int() {
  const auto found = next_is(Type::negative_integer) ? head() : head_of(Type::unsigned_integer);
  if (!found) return found.error();
  if (found->argument > kMaxInt64) return error(Errc::invalid, "integer beyond 64 bits with sign");
  position_ += found->size;
  const auto value = static_cast<std::int64_t>(found->argument);
  return found->type == Type::negative_integer ? -1 - value : value;
}

Result<ByteView> Reader::read_string(Type type) {
  const auto found = head_of(type);
  if (!found) return found.error();
  const auto length = static_cast<std::size_t>(found->argument);
  const ByteView content = input_.subspan(position_ + found->size, length);
  if (type == Type::text && !is_utf8(content)) return error(Errc::invalid, "text string that is not UTF-8");
  position_ += found->size + length;
  return content;
}

Result<ByteView> Reader::read_bytes() {
  return read_string(Type::bytes);
}

Result<std::string_view> Reader::read_text() {
  const auto content = read_string(Type::text);
  if (!content) return content.error();
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as characters, which may alias anything
  return std::string_view(reinterpret_cast<const char*>(content->data()), content->size());
}

Result<bool> Reader::read_bool() {
  const auto found = head_of(Type::boolean);
  if (!found) return found.error();
  position_ += found->size;
  return found->argument == 1;
}

Result<void> Reader::read_null() {
  const auto found = head_of(Type::null);
  if (!found) return found.error();
  position_ += found->size;
  return {};
}

Result<std::size_t> Reader::enter(Type type) {
  const auto found = head_of(type);
  if (!found) return found.error();
  position_ += found->size;
  return static_cast<std::size_t>(found->argument);
}

Result<std::size_t> Reader::enter_array() {
  return enter(Type::array);
}
Result<std::size_t> Reader::enter_map() {
  return enter(Type::map);
}

Result<std::uint64_t> Reader::read_tag() {
  const auto found = head_of(Type::tag);
  if (!found) return found.error();
  position_ += found->size;
  return found->argument;
}

Result<Reader> Reader::read_wrapped() {
  const auto content = read_bytes();
  if (!content) return content.error();
  return Reader(*content, offset() - content->size());
}

Result<ByteView> Reader::read_item() {
  Reader ahead = *this;
  std::array<std::uint64_t, kMaxNesting> pending{};  // items still to come at each level
  std::size_t depth = 0;
  do {
    const auto found = ahead.head();
    if (!found) return found.error();
    const std::uint64_t children = children_of(found->type, found->argument);
    if (children > 0 && depth == kMaxNesting) return ahead.error(Errc::too_large, "items nested too deep");
    const bool is_string = found->type == Type::bytes || found->type == Type::text;
    if (found->type == Type::text) {
      if (const auto text = ahead.read_text(); !text) return text.error();
    } else {
      ahead.position_ += found->size + (is_string ? static_cast<std::size_t>(found->argument) : 0);
    }
    if (children > 0) {
      pending[depth++] = children;
      continue;
    }
    while (depth > 0 && --pending[depth - 1] == 0) --depth;
  } while (depth > 0);
  const ByteView item = input_.subspan(position_, ahead.position_ - position_);
  position_ = ahead.position_;
  return item;
}

Result<void> Reader::skip() {
  const auto item = read_item();
  if (!item) return item.error();
  return {};
}

Result<void> Reader::finish() const {
  if (at_end()) return {};
  return error(Errc::invalid, std::to_string(left()) + " bytes after the end");
}

std::string Key::describe() const {
  if (integer) return "map key " + std::to_string(*integer);
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
  if (text && text->size() <= 64 && std::ranges::all_of(*text, is_plain))
    return "map key \"" + std::string(*text) + '"';
  return "map key h'" + to_hex(encoded.first(std::min<std::size_t>(encoded.size(), 32))) + "'";
}

Result<MapKeys> MapKeys::enter(Reader& reader, KeyOrder order) {
  const std::size_t offset = reader.offset();
  const auto count = reader.enter_map();
  if (!count) return count.error();
  if (order == KeyOrder::any && *count > kMaxUnorderedKeys) {
    return Reader::error_at(offset, Errc::too_large,
                            "map with more than " + std::to_string(kMaxUnorderedKeys) + " keys");
  }
  return MapKeys(reader, *count, order);
}

Result<void> MapKeys::check(const Key& key) const {
  if (seen_ == 0) return {};
  const std::size_t last = order_ == KeyOrder::ascending ? 1 : seen_;
  for (std::size_t i = 0; i < last; ++i) {
    if (std::ranges::equal(keys_[i], key.encoded)) {
      return Reader::error_at(key.offset, Errc::invalid, key.describe() + " twice");
    }
  }
  if (order_ == KeyOrder::ascending && !std::ranges::lexicographical_compare(keys_[0], key.encoded)) {
    return Reader::error_at(key.offset, Errc::invalid, key.describe() + " out of ascending order");
  }
  return {};
}

Result<std::optional<Key>> MapKeys::next() {
  if (seen_ == count_) return std::optional<Key>{};
  Key key;
  key.offset = reader_->offset();
  Reader inside = *reader_;
  if (inside.next_is(Type::text)) {
    const auto text = inside.read_text();
    if (!text) return text.error();
    key.text = *text;
  } else if (inside.next_is(Type::unsigned_integer) || inside.next_is(Type::negative_integer)) {
    const auto integer = inside.read_int();
    if (!integer) return integer.error();
    key.integer = *integer;
  }
  const auto encoded = reader_->read_item();
  if (!encoded) return encoded.error();
  key.encoded = *encoded;
  if (auto checked = check(key); !checked) return checked.error();
  keys_[order_ == KeyOrder::ascending ? 0 : seen_] = key.encoded;
  ++seen_;
  return std::optional<Key>{key};
}

Result<std::optional<std::int64_t>> MapKeys::next_integer() {
  const auto key = next();
  if (!key) return key.error();
  if (!key->has_value()) return std::optional<std::int64_t>{};
  if (!(*key)->integer) return Reader::error_at((*key)->offset, Errc::invalid, (*key)->describe() + " is no integer");
  return std::optional<std::int64_t>{(*key)->integer};
}

Writer& Writer::head(std::uint8_t major, std::uint64_t argument) {
  const auto first = static_cast<std::uint8_t>(major << 5U);
  if (argument < kFirstLongArgument) {
    out_->push_back(static_cast<std::uint8_t>(first | argument));
    return *this;
  }
  std::uint8_t exponent = 3;  // of the argument's size in bytes
  if (argument <= 0xFFU) {
    exponent = 0;
  } else if (argument <= 0xFFFFU) {
    exponent = 1;
  } else if (argument <= 0xFFFFFFFFU) {
    exponent = 2;
  }
  out_->push_back(static_cast<std::uint8_t>(first | (kFirstLongArgument + exponent)));
  for (int shift = (8 << exponent) - 8; shift >= 0; shift -= 8) {
    out_->push_back(static_cast<std::uint8_t>(argument >> static_cast<unsigned>(shift)));
  }
  return *this;
}

Writer& Writer::uint(std::uint64_t value) {
  return head(0, value);
}

Writer& Writer::integer(std::int64_t value) {
  return value < 0 ? head(1, static_cast<std::uint64_t>(-1 - value)) : head(0, static_cast<std::uint64_t>(value));
}

Writer& Writer::bytes(ByteView value) {
  return head(2, value.size()).encoded(value);
}
Writer& Writer::text(std::string_view value) {
  return head(3, value.size()).encoded(as_bytes(value));
}
Writer& Writer::array(std::size_t count) {
  return head(4, count);
}
Writer& Writer::map(std::size_t count) {
  return head(5, count);
}
Writer& Writer::tag(std::uint64_t number) {
  return head(6, number);
}
Writer& Writer::boolean(bool value) {
  return head(7, value ? kSimpleTrue : kSimpleFalse);
}
Writer& Writer::null() {
  return head(7, kSimpleNull);
}

Writer& Writer::encoded(ByteView item) {
  out_->insert(out_->end(), item.begin(), item.end());
  return *this;
}

}  // namespace hg::cbor
