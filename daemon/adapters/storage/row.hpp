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

inline std::int64_t stored(std::uint64_t value) { return std::bit_cast<std::int64_t>(value); }
inline std::int64_t stored(Instant value) { return value.time_since_epoch().count(); }
inline std::string stored(const Digest& value) { return value.hex(); }
inline std::string stored(const core::Uuid& value) { return to_hex(value); }

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
  Instant instant(int column);
  Digest digest(int column);
  core::Uuid uuid(int column);

  /// An enumeration, by core's own function.
  template <class T>
  T named(int column, std::optional<T> (*from)(std::string_view)) {
    const auto value = from(statement_->text(column));
    if (!value) fail(column);
    return value.value_or(T{});
  }

  [[nodiscard]] Result<void> finish() const;

 private:
  std::uint64_t bounded(int column, std::uint64_t most);
  void fail(int column);

  const Statement* statement_;
  std::string table_;
  std::string key_;
  std::optional<Error> error_;
};

}  // namespace hg::storage
