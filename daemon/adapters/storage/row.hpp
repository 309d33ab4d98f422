// SPDX-License-Identifier: Apache-2.0
// The conversions between core's words and what stands in a column, with every value checked on the way in: a file
// is foreign input once it has left our hands. Called by the catalogue only.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/storage/database.hpp"
#include "core/model.hpp"

namespace hg::storage {

inline std::int64_t stored(std::uint64_t value) {
  return std::bit_cast<std::int64_t>(value);
}
inline std::int64_t stored(Instant value) {
  return value.time_since_epoch().count();
}
inline std::string stored(const Digest& value) {
  return value.hex();
}
inline std::string stored(const core::Uuid& value) {
  return to_hex(value);
}
template <class T>
std::optional<std::int64_t> stored(const std::optional<T>& value) {
  return value ? std::optional(stored(*value)) : std::nullopt;
}

/// Reads the current row of a statement. The first value that is not what it must be is remembered with table, key
/// and column; the others then read as their default, and finish() fails.
class Row {
 public:
  Row(const Statement& statement, std::string_view table, std::string_view key)
      : statement_(&statement), table_(table), key_(key) {}

  [[nodiscard]] bool has(int column) const { return !statement_->is_null(column); }
  std::string text(int column);
  /// A text that may not be empty.
  std::string name(int column);
  bool flag(int column);
  /// Unsigned 64-bit numbers keep their bits and need no check.
  std::uint64_t number(int column);
  template <std::unsigned_integral T>
  T small(int column) {
    return static_cast<T>(bounded(column, std::numeric_limits<T>::max()));
  }
  std::int64_t integer(int column);
  Instant instant(int column);
  std::optional<std::uint64_t> optional_number(int column);
  std::optional<Instant> optional_instant(int column);
  Digest digest(int column);
  Bytes bytes(int column);
  /// At most so many.
  Bytes bytes(int column, std::size_t most);
  /// '' is the version that holds for all.
  Version version(int column);
  /// A position in a list of `size`.
  std::size_t index(int column, std::size_t size);
  /// What a row belongs to. Reading on after a failure is harmless: finish() throws everything away.
  template <class Map>
  typename Map::mapped_type& owner(int column, Map& owners, const typename Map::key_type& key) {
    if (!owners.contains(key)) fail(column);
    return owners[key];
  }
  /// A text for which `is_good` holds.
  std::string checked(int column, bool (*is_good)(std::string_view));
  core::Uuid uuid(int column);

  /// An enumeration, by core's own function.
  template <class T>
  T named(int column, std::optional<T> (*from)(std::string_view)) {
    const auto value = from(statement_->text(column));
    if (!value) fail(column);
    return value.value_or(T{});
  }

  /// The value cannot be what it says.
  void fail(int column);

  [[nodiscard]] Result<void> finish() const;

 private:
  std::uint64_t bounded(int column, std::uint64_t most);

  const Statement* statement_;
  std::string table_;
  std::string key_;
  std::optional<Error> error_;
};

}  // namespace hg::storage
