// SPDX-License-Identifier: Apache-2.0
// A TOML file and its drop-ins as one tree of tables, read key by key: each key has a type, bounds and a default, and
// what nobody asked for is an error with file, line and column. Knows TOML, not what the keys mean: app/config does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hg::app {

/// One table. Keys are read in any order; the first thing that is wrong is kept, and everything after it gives
/// defaults, so that a reader need not ask after each key.
class Section {
 public:
  [[nodiscard]] std::string text(std::string_view key, std::string_view fallback);
  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t least,
                                     std::int64_t most);
  [[nodiscard]] bool boolean(std::string_view key, bool fallback);
  [[nodiscard]] std::vector<std::string> texts(std::string_view key, std::vector<std::string> fallback);
  [[nodiscard]] bool has(std::string_view key) const;

  /// A table in this one; empty if it is not there.
  [[nodiscard]] Section section(std::string_view key);
  /// The tables of a list of them, in order; empty if it is not there.
  [[nodiscard]] std::vector<Section> list(std::string_view key);
  /// The names of the tables in this one, in order; each must then be read with section().
  [[nodiscard]] std::vector<std::string> section_names() const;

  /// Says that the value of `key` is wrong, at its place in the file.
  void complain(std::string_view key, std::string_view what);

 private:
  friend class SettingsFile;
  struct Tree;
  struct Place;

  Section(std::shared_ptr<Tree> tree, std::string path, const void* table);
  const void* find(std::string_view key);

  std::shared_ptr<Tree> tree_;
  std::string path_;   // "cloud", "children.boiler"; empty at the top
  const void* table_;  // toml::table, nothing if the file does not have it
};

class SettingsFile {
 public:
  /// `path` and, if it is there, the *.toml in `path`.d in the order of their names. Tables are merged key by key, the
  /// later value wins. Errors name file, line and column.
  static Result<SettingsFile> read(const std::filesystem::path& path);

  [[nodiscard]] Section top();

  /// After all keys were read: the first that nobody asked for, else the first that was wrong.
  [[nodiscard]] Result<void> finish() const;

 private:
  explicit SettingsFile(std::shared_ptr<Section::Tree> tree) : tree_(std::move(tree)) {}
  std::shared_ptr<Section::Tree> tree_;
};

}  // namespace hg::app
