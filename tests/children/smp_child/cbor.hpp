// SPDX-License-Identifier: Apache-2.0
// The little CBOR that SMP needs: a writer whose maps and arrays are of indefinite length (as Zephyr's are) or
// definite, and a reader of one request map with text keys, which takes both forms and steps over what it does not
// know. Used by the server and its groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bytes.hpp"

namespace smp_child::cbor {

class Writer {
 public:
  explicit Writer(bool definite) : definite_(definite) {}

  void begin_map() { begin(kMap); }
  void begin_array() { begin(kArray); }
  void end();

  void text(std::string_view value);
  void bytes(ByteView value);
  void integer(std::int64_t value);
  void boolean(bool value);

  /// A key of the open map with its value; a nested map or array follows `key` with its own begin.
  void key(std::string_view name) { text(name); }
  void put_text(std::string_view name, std::string_view value) { key(name), text(value); }
  void put_bytes(std::string_view name, ByteView value) { key(name), bytes(value); }
  void put_integer(std::string_view name, std::int64_t value) { key(name), integer(value); }
  void put_boolean(std::string_view name, bool value) { key(name), boolean(value); }

  /// Whole pairs of the open map that are encoded already.
  void pairs(ByteView encoded, std::size_t count);

  Bytes take() { return std::move(out_); }

 private:
  struct Open {
    std::uint8_t major;
    std::size_t position;   // of its first byte in out_
    std::size_t items = 0;  // so far, keys included
  };
  static constexpr std::uint8_t kMap = 5, kArray = 4;

  void begin(std::uint8_t major);
  void head(std::uint8_t major, std::uint64_t argument);
  void count_item();

  bool definite_;
  Bytes out_;
  std::vector<Open> open_;
};

/// The value of a key; monostate for types that no request of ours uses (nested ones, floats, negative integers).
using Value = std::variant<std::monostate, std::uint64_t, bool, std::string_view, ByteView>;

/// A request's map. Its texts and byte strings point into the packet that was parsed.
class Map {
 public:
  /// Nothing if `body` is not exactly one well-formed map with text keys. An empty body is an empty map.
  static std::optional<Map> parse(ByteView body);

  [[nodiscard]] std::optional<std::uint64_t> integer(std::string_view key) const { return get<std::uint64_t>(key); }
  [[nodiscard]] std::optional<std::string_view> text(std::string_view key) const { return get<std::string_view>(key); }
  [[nodiscard]] std::optional<ByteView> bytes(std::string_view key) const { return get<ByteView>(key); }

  /// True for `true` and for an integer other than 0; a missing key is false.
  [[nodiscard]] bool flag(std::string_view key) const;

 private:
  template <typename T>
  std::optional<T> get(std::string_view key) const {
    for (const auto& [name, value] : entries_) {
      if (name == key && std::holds_alternative<T>(value)) return std::get<T>(value);
    }
    return std::nullopt;
  }

  std::vector<std::pair<std::string_view, Value>> entries_;
};

}  // namespace smp_child::cbor
