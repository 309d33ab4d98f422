// SPDX-License-Identifier: Apache-2.0
#include "app/settings_file.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

namespace hg::app {

namespace {

std::string place_of(const toml::source_region& source) {
  std::ostringstream text;
  text << (source.path ? *source.path : std::string("settings")) << ':' << source.begin.line << ':'
       << source.begin.column;
  return text.str();
}

Result<toml::table> parse(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return from_errno(errno, path.string());
  std::ostringstream content;
  for (std::array<char, 4096> piece{}; file.read(piece.data(), piece.size()) || file.gcount() > 0;)
    content.write(piece.data(), file.gcount());
  if (file.bad()) return Error{Errc::io, path.string() + ": cannot be read"};
  try {
    return toml::parse(content.str(), path.string());
  } catch (const toml::parse_error& error) {
    return Error{Errc::invalid, place_of(error.source()) + ": " + std::string(error.description())};
  }
}

/// Moves, since copying a node loses the place where it stood.
void merge(toml::table& into, toml::table&& from) {
  for (auto&& [key, node] : from) {
    toml::node* old = into.get(key.str());
    if (old != nullptr && old->is_table() && node.is_table())
      merge(*old->as_table(), std::move(*node.as_table()));
    else
      into.insert_or_assign(key, std::move(node));
  }
}

}  // namespace

struct Section::Tree {
  toml::table root;
  std::set<const toml::node*> asked;
  std::optional<Error> first_complaint;

  void complain(const toml::node& node, const std::string& what) {
    if (!first_complaint) first_complaint = Error{Errc::invalid, place_of(node.source()) + ": " + what};
  }

  /// The first node, in the order of the keys, that nobody asked for.
  std::optional<Error> first_unasked(const toml::table& table, const std::string& path) const {
    for (auto&& [key, node] : table) {
      const std::string name = path.empty() ? std::string(key.str()) : path + "." + std::string(key.str());
      if (!asked.contains(&node))
        return Error{Errc::invalid, place_of(key.source()) + ": unknown key \"" + name + "\""};
      if (auto inner = first_unasked_in(node, name)) return inner;
    }
    return std::nullopt;
  }

 private:
  std::optional<Error> first_unasked_in(const toml::node& node, const std::string& name) const {
    if (node.is_table()) return first_unasked(*node.as_table(), name);
    if (!node.is_array()) return std::nullopt;
    std::size_t index = 0;
    for (const toml::node& element : *node.as_array()) {
      const std::string inner_name = name + "[" + std::to_string(index++) + "]";
      if (!element.is_table()) continue;
      if (auto inner = first_unasked(*element.as_table(), inner_name)) return inner;
    }
    return std::nullopt;
  }
};

Section::Section(std::shared_ptr<Tree> tree, std::string path, const void* table)
    : tree_(std::move(tree)), path_(std::move(path)), table_(table) {}

const void* Section::find(std::string_view key) {
  if (table_ == nullptr) return nullptr;
  const toml::node* node = static_cast<const toml::table*>(table_)->get(key);
  if (node != nullptr) tree_->asked.insert(node);
  return node;
}

bool Section::has(std::string_view key) const {
  return table_ != nullptr && static_cast<const toml::table*>(table_)->contains(key);
}

void Section::complain(std::string_view key, std::string_view what) {
  const void* node = find(key);
  if (node == nullptr) node = table_;
  if (node == nullptr) return;
  const std::string name = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  tree_->complain(*static_cast<const toml::node*>(node), name + ": " + std::string(what));
}

std::string Section::text(std::string_view key, std::string_view fallback) {
  const auto* node = static_cast<const toml::node*>(find(key));
  if (node == nullptr) return std::string(fallback);
  if (const auto value = node->value_exact<std::string>()) return *value;
  complain(key, "must be a text");
  return std::string(fallback);
}

std::int64_t Section::integer(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most) {
  const auto* node = static_cast<const toml::node*>(find(key));
  if (node == nullptr) return fallback;
  const auto value = node->value_exact<std::int64_t>();
  if (value && *value >= least && *value <= most) return *value;
  complain(key, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return fallback;
}

bool Section::boolean(std::string_view key, bool fallback) {
  const auto* node = static_cast<const toml::node*>(find(key));
  if (node == nullptr) return fallback;
  if (const auto value = node->value_exact<bool>()) return *value;
  complain(key, "must be true or false");
  return fallback;
}

std::vector<std::string> Section::texts(std::string_view key, std::vector<std::string> fallback) {
  const auto* node = static_cast<const toml::node*>(find(key));
  if (node == nullptr) return fallback;
  const toml::array* array = node->as_array();
  std::vector<std::string> values;
  if (array != nullptr)
    for (const toml::node& element : *array)
      if (const auto value = element.value_exact<std::string>()) values.push_back(*value);
  if (array != nullptr && values.size() == array->size()) return values;
  complain(key, "must be a list of texts");
  return fallback;
}

Section Section::section(std::string_view key) {
  const auto* node = static_cast<const toml::node*>(find(key));
  const std::string path = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  if (node != nullptr && !node->is_table()) {
    complain(key, "must be a table");
    node = nullptr;
  }
  return {tree_, path, node == nullptr ? nullptr : node->as_table()};
}

std::vector<Section> Section::list(std::string_view key) {
  const auto* node = static_cast<const toml::node*>(find(key));
  if (node == nullptr) return {};
  const std::string path = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  std::vector<Section> sections;
  const toml::array* array = node->as_array();
  if (array != nullptr)
    for (const toml::node& element : *array)
      if (element.is_table())
        sections.push_back({tree_, path + "[" + std::to_string(sections.size()) + "]", element.as_table()});
  if (array != nullptr && sections.size() == array->size()) return sections;
  complain(key, "must be a list of tables");
  return {};
}

std::vector<std::string> Section::section_names() const {
  std::vector<std::string> names;
  if (table_ == nullptr) return names;
  for (auto&& [key, node] : *static_cast<const toml::table*>(table_)) names.emplace_back(key.str());
  return names;
}

Result<SettingsFile> SettingsFile::read(const std::filesystem::path& path) {
  Result<toml::table> main_file = parse(path);
  if (!main_file) return main_file.error();
  auto tree = std::make_shared<Section::Tree>();
  tree->root = std::move(*main_file);

  std::vector<std::filesystem::path> drop_ins;
  const std::string directory = path.string() + ".d";
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error && error != std::errc::no_such_file_or_directory) return from_errno(error.value(), directory);
  for (const auto& entry : entries)
    if (entry.path().extension() == ".toml") drop_ins.push_back(entry.path());
  std::ranges::sort(drop_ins);
  for (const auto& drop_in : drop_ins) {
    Result<toml::table> more = parse(drop_in);
    if (!more) return more.error();
    merge(tree->root, std::move(*more));
  }
  return SettingsFile(std::move(tree));
}

Section SettingsFile::top() {
  return {tree_, {}, &tree_->root};
}

Result<void> SettingsFile::finish() const {
  // A misspelt key first: what was complained of is often only its default.
  if (auto unasked = tree_->first_unasked(tree_->root, {})) return *unasked;
  if (tree_->first_complaint) return *tree_->first_complaint;
  return {};
}

}  // namespace hg::app
