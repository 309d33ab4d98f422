// SPDX-License-Identifier: Apache-2.0
#include "app/profile_schema.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

#include "wire/frames.hpp"
#include "wire/limits.hpp"

namespace hg::app {

namespace {

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

std::string range_of(const KeyRule& rule) {
  const std::string range = "from " + std::to_string(rule.least) + " to " + std::to_string(rule.most);
  return rule.beside ? std::to_string(*rule.beside) + ", or " + range : range;
}

std::string choices_of(const KeyRule& rule) {
  std::string choices;
  for (const std::string& choice : rule.choices) choices += (choices.empty() ? "\"" : " or \"") + choice + "\"";
  return choices;
}

ProfileValue integer_in(Section& table, const std::string& key, const KeyRule& rule) {
  const std::int64_t value = table.integer(key, rule.least, kLowest, kHighest);
  if ((value < rule.least || value > rule.most) && value != rule.beside)
    table.complain(key, "must be a whole number " + range_of(rule));
  return value;
}

ProfileValue text_in(Section& table, const std::string& key, const KeyRule& rule) {
  std::string value = table.text(key, "");
  if (!rule.choices.empty()) {
    if (std::ranges::find(rule.choices, value) == rule.choices.end())
      table.complain(key, "must be " + choices_of(rule));
  } else if (value.size() > rule.longest) {
    table.complain(key, "must have at most " + std::to_string(rule.longest) + " bytes");
  }
  return value;
}

ProfileValue texts_in(Section& table, const std::string& key, const KeyRule& rule) {
  std::vector<std::string> values = table.texts(key, {});
  const auto is_bad = [&](const std::string& text) { return text.empty() || text.size() > rule.longest; };
  if (values.size() > wire::kMaxProfileList || std::ranges::any_of(values, is_bad)) {
    table.complain(key, "must be a list of at most " + std::to_string(wire::kMaxProfileList) + " texts of 1 to " +
                            std::to_string(rule.longest) + " bytes");
  }
  return values;
}

ProfileValue value_in(Section& table, const std::string& key, const KeyRule& rule) {
  switch (rule.type) {
    case KeyRule::Type::integer:
      return integer_in(table, key, rule);
    case KeyRule::Type::boolean:
      return table.boolean(key, false);
    case KeyRule::Type::text:
      return text_in(table, key, rule);
    case KeyRule::Type::texts:
      break;
  }
  return texts_in(table, key, rule);
}

std::optional<KeyRule::Type> type_from(std::string_view name) {
  if (name == "integer") return KeyRule::Type::integer;
  if (name == "boolean") return KeyRule::Type::boolean;
  if (name == "text") return KeyRule::Type::text;
  if (name == "texts") return KeyRule::Type::texts;
  return std::nullopt;
}

KeyRule rule_in(Section described) {
  KeyRule rule;
  const auto type = type_from(described.text("type", ""));
  if (!type) described.complain("type", "must be \"integer\", \"boolean\", \"text\" or \"texts\"");
  rule.type = type.value_or(KeyRule::Type::boolean);
  if (rule.type == KeyRule::Type::integer) {
    rule.least = described.integer("least", 0, kLowest, kHighest);
    rule.most = described.integer("most", rule.least, rule.least, kHighest);
    if (described.has("or")) rule.beside = described.integer("or", 0, kLowest, kHighest);
    rule.unit = described.text("unit", "");
    rule.is_silence = described.boolean("silence", false);
  }
  if (rule.type == KeyRule::Type::text) rule.choices = described.texts("choices", {});
  if (rule.type == KeyRule::Type::texts || (rule.type == KeyRule::Type::text && rule.choices.empty()))
    rule.longest = static_cast<std::size_t>(described.integer("longest", wire::kMaxText, 1, wire::kMaxText));
  rule.meaning = described.text("meaning", "");
  if (rule.meaning.empty()) described.complain("meaning", "must say what the key is for");
  if (!described.has("default")) described.complain("default", "must say what holds without the key");
  rule.fallback = value_in(described, "default", rule);
  return rule;
}

}  // namespace

Result<TableSchema> read_schema(const std::filesystem::path& path) {
  Result<SettingsFile> file = SettingsFile::read(path);
  if (!file) return file.error();
  Section top = file->top();
  TableSchema schema;
  for (const std::string& key : top.section_names()) {
    Section described = top.section(key);
    if (!wire::is_name(key)) described.complain("type", "a key has 1 to 64 of A-Z a-z 0-9 . _ -");
    schema.emplace(key, rule_in(described));
  }
  if (const Result<void> finished = file->finish(); !finished) return finished.error();
  if (schema.size() > wire::kMaxProfileValues)
    return Error{Errc::invalid, path.string() + ": describes more than " + std::to_string(wire::kMaxProfileValues) +
                                    " keys, a plugin takes no more"};
  return schema;
}

ProfileValues values_in(Section table, const TableSchema& schema) {
  ProfileValues values;
  for (const auto& [key, rule] : schema)
    if (table.has(key)) values.emplace(key, value_in(table, key, rule));
  return values;
}

}  // namespace hg::app
