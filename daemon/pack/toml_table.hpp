// SPDX-License-Identifier: Apache-2.0
// A TOML file as tables that are read key by key: each key has a type, and what nobody asked for is an error with
// file, line and column. Knows TOML, not what the keys mean: recipe and root_recipe do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace hg::pack {

/// One table. Keys are read in any order; the first thing that is wrong is kept, and everything after it gives
/// defaults, so that a reader need not ask after each key: finish() of any table of the file tells it.
class Table {
 public:
  /// The outermost table. Errors name file, line and column.
  static Result<Table> read(const std::filesystem::path& path);

  [[nodiscard]] bool has(std::string_view key) const;

  std::optional<std::string> text(std::string_view key);
  std::string required_text(std::string_view key);
  std::optional<std::uint64_t> number(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key);
  std::uint64_t required_number(std::string_view key);
  std::optional<bool> flag(std::string_view key);
  /// 2027-01-31 or 2027-01-31T12:00:00Z, without quotes.
  std::optional<Instant> date(std::string_view key);
  std::vector<std::string> texts(std::string_view key);

  /// [key], empty if it is not there.
  Table table(std::string_view key);
  /// [[key]]
  std::vector<Table> tables(std::string_view key);

  /// A file named by a text, relative to this one's directory.
  std::filesystem::path required_file(std::string_view key);
  std::optional<std::filesystem::path> file(std::string_view key);

  /// Says that the value of `key` (or the whole table) is wrong, at its place in the file.
  void complain(std::string_view key, std::string_view what);

  /// The value that `read` makes of the text, or its error at the place of the key.
  template <class T>
  T value_of(std::string_view key, Result<T> read) {
    if (read) return std::move(*read);
    complain(key, read.error().message);
    return {};
  }

  /// After all keys were read: the first that nobody asked for, else the first that was wrong.
  [[nodiscard]] Result<void> finish() const;

 private:
  struct Tree;
  Table(std::shared_ptr<Tree> tree, const void* node) : tree_(std::move(tree)), node_(node) {}
  const void* find(std::string_view key);

  std::shared_ptr<Tree> tree_;
  const void* node_;  // toml::table, nothing if the file does not have it
};

}  // namespace hg::pack
