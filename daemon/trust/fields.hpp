// SPDX-License-Identifier: Apache-2.0
// How the payloads of trust records are read: maps with ascending integer keys, described by a table with one row for
// each field, so that those who read them read like the CDDL of docs/trust.md. Knows no record; internal to
// trust.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/cbor.hpp"
#include "base/digest.hpp"
#include "base/time.hpp"

namespace hg::trust {

inline constexpr std::uint64_t kFormatVersion = 1;
inline constexpr std::size_t kSha256Bytes = 32;

enum class Presence : std::uint8_t { required, optional };

/// One row: the map key, what messages call the field, and what reads its value into the record.
template <class T>
struct Field {
  std::int64_t key;
  const char* name;
  Presence presence;
  Result<void> (*read)(cbor::Reader& reader, T& record);
};

/// Puts what was read where it belongs.
template <class T, class Into>
Result<void> keep(Result<T> read, Into& into) {
  if (!read) return read.error();
  into = std::move(*read);
  return {};
}

/// The map at `reader`, which has all required fields of the table and none that is not in it.
template <class T>
Result<T> read_fields(cbor::Reader& reader, std::span<const Field<T>> fields) {
  T record;
  std::vector<bool> is_there(fields.size());
  const std::size_t start = reader.offset();
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  for (;;) {
    const std::size_t offset = reader.offset();
    const auto key = keys->next_integer();
    if (!key) return key.error();
    if (!key->has_value()) break;
    std::size_t row = 0;
    while (row < fields.size() && fields[row].key != **key) ++row;
    if (row == fields.size()) {
      return cbor::Reader::error_at(offset, Errc::unsupported, "field " + std::to_string(**key) + " is unknown");
    }
    if (auto read = fields[row].read(reader, record); !read) return read.error().within(fields[row].name);
    is_there[row] = true;
  }
  for (std::size_t row = 0; row < fields.size(); ++row) {
    if (is_there[row] || fields[row].presence == Presence::optional) continue;
    return cbor::Reader::error_at(start, Errc::invalid, std::string("no ") + fields[row].name);
  }
  return record;
}

/// A whole payload: one map and nothing after it.
template <class T>
Result<T> read_payload(ByteView payload, std::span<const Field<T>> fields) {
  cbor::Reader reader(payload);
  auto record = read_fields(reader, fields);
  if (!record) return record;
  if (auto finished = reader.finish(); !finished) return finished.error();
  return record;
}

/// An array of at least one and at most `most` items.
template <class T>
Result<std::vector<T>> read_list(cbor::Reader& reader, std::size_t most, Result<T> (*read_one)(cbor::Reader&)) {
  const std::size_t offset = reader.offset();
  const auto count = reader.enter_array();
  if (!count) return count.error();
  if (*count == 0) return cbor::Reader::error_at(offset, Errc::invalid, "an empty list");
  if (*count > most) {
    return cbor::Reader::error_at(offset, Errc::too_large,
                                  std::to_string(*count) + " items, at most " + std::to_string(most));
  }
  std::vector<T> items;
  items.reserve(*count);
  for (std::size_t i = 0; i < *count; ++i) {
    auto one = read_one(reader);
    if (!one) return one.error().within(std::to_string(i));
    items.push_back(std::move(*one));
  }
  return items;
}

/// kFormatVersion, the first field of each payload.
Result<void> read_format_version(cbor::Reader& reader);

/// A number above zero: zero is said by leaving the field out, so that a record has one encoding.
Result<std::uint64_t> read_positive(cbor::Reader& reader);

/// 1 to kMaxNameBytes of printable ASCII: it is shown, logged and compared bytewise.
Result<std::string> read_name(cbor::Reader& reader);

/// Seconds since 1970, up to the end of the year 9999.
Result<Instant> read_time(cbor::Reader& reader);

/// Whole seconds since 1970.
std::uint64_t seconds_of(Instant time);

/// A byte string of exactly `size`.
Result<ByteView> read_sized(cbor::Reader& reader, std::size_t size);

/// 32 bytes.
Result<Digest> read_sha256(cbor::Reader& reader);

}  // namespace hg::trust
