// SPDX-License-Identifier: Apache-2.0
#include "pack/toml_table.hpp"

#include <toml++/toml.h>

#include <set>
#include <sstream>

#include "pack/files.hpp"

namespace hg::pack {

namespace {

std::string place_of(const toml::source_region& source) {
  std::ostringstream text;
  text << (source.path ? *source.path : std::string("recipe")) << ':' << source.begin.line << ':'
       << source.begin.column;
  return text.str();
}

const toml::table* as_table(const void* node) {
  return static_cast<const toml::table*>(node);
}

const toml::node* as_node(const void* node) {
  return static_cast<const toml::node*>(node);
}

}  // namespace

struct Table::Tree {
  toml::table root;
  std::filesystem::path directory;
  std::set<const toml::node*> asked;
  std::optional<Error> first_complaint;

  void complain(const toml::node& node, const std::string& what) {
    if (!first_complaint) first_complaint = Error{Errc::invalid, place_of(node.source()) + ": " + what};
  }

  std::optional<Error> first_unasked(const toml::table& table) const {
    for (auto&& [key, node] : table) {
      if (!asked.contains(&node))
        return Error{Errc::invalid, place_of(key.source()) + ": unknown key \"" + std::string(key.str()) + "\""};
      if (node.is_table())
        if (auto inner = first_unasked(*node.as_table())) return inner;
      if (!node.is_array()) continue;
      for (const toml::node& element : *node.as_array())
        if (element.is_table())
          if (auto inner = first_unasked(*element.as_table())) return inner;
    }
    return std::nullopt;
  }
};

Result<Table> Table::read(const std::filesystem::path& path) {
  const Result<Bytes> content = read_file(path);
  if (!content) return content.error();
  auto tree = std::make_shared<Tree>();
  tree->directory = path.parent_path();
  try {
    tree->root = toml::parse(std::string(content->begin(), content->end()), path.string());
  } catch (const toml::parse_error& error) {
    return Error{Errc::invalid, place_of(error.source()) + ": " + std::string(error.description())};
  }
  const void* root = &tree->root;
  return Table(std::move(tree), root);
}

const void* Table::find(std::string_view key) {
  if (node_ == nullptr) return nullptr;
  const toml::node* node = as_table(node_)->get(key);
  if (node != nullptr) tree_->asked.insert(node);
  return node;
}

bool Table::has(std::string_view key) const {
  return node_ != nullptr && as_table(node_)->contains(key);
}

void Table::complain(std::string_view key, std::string_view what) {
  if (node_ == nullptr) return;
  const toml::node* node = as_node(find(key));
  if (node == nullptr) node = as_table(node_);
  tree_->complain(*node, std::string(key) + ": " + std::string(what));
}

std::optional<std::string> Table::text(std::string_view key) {
  const toml::node* node = as_node(find(key));
  if (node == nullptr) return std::nullopt;
  if (auto value = node->value_exact<std::string>()) return value;
  complain(key, "must be a text");
  return std::nullopt;
}

std::string Table::required_text(std::string_view key) {
  if (!has(key)) complain(key, "is missing");
  return text(key).value_or("");
}

std::optional<std::int64_t> Table::integer(std::string_view key) {
  const toml::node* node = as_node(find(key));
  if (node == nullptr) return std::nullopt;
  if (const auto value = node->value_exact<std::int64_t>()) return value;
  complain(key, "must be a whole number");
  return std::nullopt;
}

std::optional<std::uint64_t> Table::number(std::string_view key) {
  const std::optional<std::int64_t> value = integer(key);
  if (value && *value < 0) complain(key, "must not be negative");
  return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

std::uint64_t Table::required_number(std::string_view key) {
  if (!has(key)) complain(key, "is missing");
  return number(key).value_or(0);
}

std::optional<bool> Table::flag(std::string_view key) {
  const toml::node* node = as_node(find(key));
  if (node == nullptr) return std::nullopt;
  if (const auto value = node->value_exact<bool>()) return value;
  complain(key, "must be true or false");
  return std::nullopt;
}

std::optional<Instant> Table::date(std::string_view key) {
  const toml::node* node = as_node(find(key));
  if (node == nullptr) return std::nullopt;
  const auto day = node->value_exact<toml::date>();
  const auto moment = node->value_exact<toml::date_time>();
  if (!day && !(moment && moment->offset)) {
    complain(key, "must be a date or a time with its offset, without quotes: 2027-01-31 or 2027-01-31T12:00:00Z");
    return std::nullopt;
  }
  const toml::date on = day ? *day : moment->date;
  Instant instant{std::chrono::sys_days{std::chrono::year{on.year} / on.month / on.day}};
  if (moment)
    instant += std::chrono::hours{moment->time.hour} + std::chrono::minutes{moment->time.minute} +
               std::chrono::seconds{moment->time.second} - std::chrono::minutes{moment->offset->minutes};
  if (instant >= Instant{}) return instant;
  complain(key, "is before 1970");
  return std::nullopt;
}

std::vector<std::string> Table::texts(std::string_view key) {
  const toml::node* node = as_node(find(key));
  std::vector<std::string> values;
  if (node == nullptr) return values;
  const toml::array* array = node->as_array();
  if (array != nullptr)
    for (const toml::node& element : *array)
      if (const auto value = element.value_exact<std::string>()) values.push_back(*value);
  if (array == nullptr || values.size() != array->size()) complain(key, "must be a list of texts");
  return values;
}

Table Table::table(std::string_view key) {
  const toml::node* node = as_node(find(key));
  if (node != nullptr && !node->is_table()) {
    complain(key, "must be a table");
    node = nullptr;
  }
  return {tree_, node == nullptr ? nullptr : node->as_table()};
}

std::vector<Table> Table::tables(std::string_view key) {
  const toml::node* node = as_node(find(key));
  std::vector<Table> found;
  if (node == nullptr) return found;
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
    complain(key, "must be tables: [[" + std::string(key) + "]]");
    return found;
  }
  for (const toml::node& element : *array) found.push_back(Table(tree_, element.as_table()));
  return found;
}

std::optional<std::filesystem::path> Table::file(std::string_view key) {
  const std::optional<std::string> name = text(key);
  if (!name) return std::nullopt;
  if (name->empty()) complain(key, "must name a file");
  return tree_->directory / *name;
}

std::filesystem::path Table::required_file(std::string_view key) {
  if (!has(key)) complain(key, "is missing");
  return file(key).value_or("");
}

Result<void> Table::finish() const {
  // A misspelt key first: what was complained of is often only its default.
  if (auto unasked = tree_->first_unasked(tree_->root)) return *unasked;
  if (tree_->first_complaint) return *tree_->first_complaint;
  return {};
}

}  // namespace hg::pack
