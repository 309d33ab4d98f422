// SPDX-License-Identifier: Apache-2.0
// The CBOR reader on any bytes: what skip() accepts is exactly one item; walking it by its types ends where skip() did,
// writes the same bytes again, since only one encoding is accepted, and meets the items that libcbor meets.
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/cbor.hpp"
#include "libcbor.hpp"

namespace {

using hg::cbor::Reader;
using hg::cbor::Type;
using hg::cbor::Writer;
using hg::fuzz::Item;

void must(bool holds) {
  if (!holds) std::abort();
}

/// The reader gives no negative integer below -2^63; what its eight bytes say is taken from the input.
std::uint64_t argument_of_negative(Reader& reader) {
  if (const auto value = reader.read_int()) return static_cast<std::uint64_t>(-1 - *value);
  const auto encoded = reader.read_item();
  must(encoded && encoded->size() == 9);
  std::uint64_t argument = 0;
  for (const std::uint8_t byte : encoded->subspan(1)) argument = argument << 8U | byte;
  return argument;
}

/// Takes one item, or the head of one, by its type.
Item take(Reader& reader) {
  const Type type = *reader.peek();
  switch (type) {
    case Type::unsigned_integer:
      return {type, *reader.read_uint(), {}};
    case Type::negative_integer:
      return {type, argument_of_negative(reader), {}};
    case Type::bytes:
      return {type, 0, *reader.read_bytes()};
    case Type::text:
      return {type, 0, hg::as_bytes(*reader.read_text())};
    case Type::boolean:
      return {type, *reader.read_bool() ? 1U : 0U, {}};
    case Type::null:
      must(reader.read_null().has_value());
      return {};
    case Type::tag:
      return {type, *reader.read_tag(), {}};
    case Type::array:
      return {type, *reader.enter_array(), {}};
    case Type::map:
      return {type, *reader.enter_map(), {}};
  }
  std::abort();
}

void write(const Item& item, hg::ByteView as_read, Writer& writer) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  switch (item.type) {
    case Type::unsigned_integer:
      writer.uint(item.argument);
      break;
    case Type::negative_integer:
      item.argument > kMax ? writer.encoded(as_read) : writer.integer(-1 - static_cast<std::int64_t>(item.argument));
      break;
    case Type::bytes:
      writer.bytes(item.content);
      break;
    case Type::text:
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as characters
      writer.text({reinterpret_cast<const char*>(item.content.data()), item.content.size()});
      break;
    case Type::boolean:
      writer.boolean(item.argument == 1);
      break;
    case Type::null:
      writer.null();
      break;
    case Type::tag:
      writer.tag(item.argument);
      break;
    case Type::array:
      writer.array(item.argument);
      break;
    case Type::map:
      writer.map(item.argument);
      break;
  }
}

/// How many items come after this head, directly inside it.
std::size_t children_of(const Item& item) {
  if (item.type == Type::array) return item.argument;
  if (item.type == Type::map) return 2 * item.argument;
  return item.type == Type::tag ? 1 : 0;
}

void walk_item(hg::ByteView input) {
  Reader reader(input);
  hg::Bytes again;
  Writer writer(again);
  for (std::size_t items = 1; items > 0; --items) {
    const hg::ByteView rest = input.subspan(reader.offset());
    const Item item = take(reader);
    const std::size_t size = reader.offset() - (input.size() - rest.size());
    const hg::fuzz::LibcborItem other(rest);
    must(other.item() == item && other.size() == size);
    write(item, rest.first(size), writer);
    items += children_of(item);
  }
  must(reader.at_end() && std::ranges::equal(again, input));
}

void walk_keys(hg::ByteView input, hg::cbor::KeyOrder order) {
  Reader reader(input);
  auto keys = hg::cbor::MapKeys::enter(reader, order);
  if (!keys) return;
  for (;;) {
    const auto key = keys->next();
    if (!key || !key->has_value()) return;
    (void)(*key)->describe();
    if (!reader.skip()) return;
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const hg::ByteView input(data, size);
  walk_keys(input, hg::cbor::KeyOrder::ascending);
  walk_keys(input, hg::cbor::KeyOrder::any);
  Reader reader(input);
  const auto item = reader.read_item();
  if (item) {
    walk_item(*item);
  } else {
    must(reader.offset() == 0);
  }
  return 0;
}
