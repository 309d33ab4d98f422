// SPDX-License-Identifier: Apache-2.0
// The CBOR reader on any bytes: what skip() accepts is exactly one item, and walking it by its types ends where skip()
// did and writes the same bytes again, since only one encoding is accepted.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/cbor.hpp"

namespace {

using hg::cbor::Reader;
using hg::cbor::Type;
using hg::cbor::Writer;

void must(bool holds) {
  if (!holds) std::abort();
}

void copy_integer(Reader& reader, Writer& writer) {
  if (reader.next_is(Type::unsigned_integer)) {
    writer.uint(*reader.read_uint());
  } else if (const auto value = reader.read_int()) {
    writer.integer(*value);
  } else {
    writer.encoded(*reader.read_item());  // beyond 64 bits with sign
  }
}

/// Copies one item or head; how many items come after it.
std::size_t copy(Reader& reader, Writer& writer) {
  switch (*reader.peek()) {
    case Type::unsigned_integer:
    case Type::negative_integer:
      copy_integer(reader, writer);
      return 0;
    case Type::bytes:
      writer.bytes(*reader.read_bytes());
      return 0;
    case Type::text:
      writer.text(*reader.read_text());
      return 0;
    case Type::boolean:
      writer.boolean(*reader.read_bool());
      return 0;
    case Type::null:
      must(reader.read_null().has_value());
      writer.null();
      return 0;
    case Type::tag:
      writer.tag(*reader.read_tag());
      return 1;
    case Type::array: {
      const std::size_t count = *reader.enter_array();
      writer.array(count);
      return count;
    }
    case Type::map: {
      const std::size_t count = *reader.enter_map();
      writer.map(count);
      return 2 * count;
    }
  }
  std::abort();
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
  Reader skipping(input);
  const auto item = skipping.read_item();
  if (!item) {
    must(skipping.offset() == 0);
    return 0;
  }
  Reader reader(*item);
  hg::Bytes again;
  Writer writer(again);
  for (std::size_t items = 1; items > 0; --items) items += copy(reader, writer);
  must(reader.at_end() && std::ranges::equal(again, *item));
  return 0;
}
