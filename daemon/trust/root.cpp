// SPDX-License-Identifier: Apache-2.0
#include "trust/root.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "cose/key.hpp"
#include "trust/fields.hpp"

namespace hg::trust {
namespace {

constexpr std::array<std::string_view, kRoles> kRoleNames = {"root", "author", "director", "head", "gateway"};
constexpr std::size_t kMaxCoseKeyBytes = 512;
constexpr std::size_t kMaxPrefixes = 64;

// ------------------------------------------------------------------------------------------------ reading

Result<Role> read_role(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto number = reader.read_uint();
  if (!number) return number.error();
  if (*number < kRoles) return static_cast<Role>(*number);
  return cbor::Reader::error_at(offset, Errc::unsupported, "role " + std::to_string(*number) + " is unknown");
}

/// How many keys: never none.
Result<unsigned> read_count(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto number = read_positive(reader);
  if (!number) return number.error();
  if (*number <= kMaxKeys) return static_cast<unsigned>(*number);
  return cbor::Reader::error_at(offset, Errc::too_large, std::to_string(*number) + " keys");
}

Result<std::string> read_prefix(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  auto prefix = read_name(reader);
  if (!prefix || (!prefix->starts_with('/') && prefix->find('+') == std::string::npos)) return prefix;
  return cbor::Reader::error_at(offset, Errc::invalid, "prefix " + *prefix + " can never fit a name");
}

Result<Bytes> read_cose_key(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  cbor::Reader whole = reader;
  const auto bytes = whole.read_bytes();
  if (bytes && bytes->size() > kMaxCoseKeyBytes) {
    return cbor::Reader::error_at(offset, Errc::too_large, std::to_string(bytes->size()) + " bytes");
  }
  auto content = reader.read_wrapped();
  if (!content) return content.error();
  if (const auto key = cose::read_key(*content); !key) return key.error();
  if (auto finished = content->finish(); !finished) return finished.error();
  return Bytes(bytes->begin(), bytes->end());
}

/// Only true is written, so that a key has one encoding.
Result<bool> read_true(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto value = reader.read_bool();
  if (!value || *value) return value;
  return cbor::Reader::error_at(offset, Errc::invalid, "false, which is said by leaving it out");
}

Result<void> read_thresholds(cbor::Reader& reader, Root& root) {
  const std::size_t offset = reader.offset();
  const auto counts = read_list(reader, kRoles, read_count);
  if (!counts) return counts.error();
  if (counts->size() != kRoles) return cbor::Reader::error_at(offset, Errc::invalid, "not one for each of the 5 roles");
  std::ranges::copy(*counts, root.thresholds.begin());
  return {};
}

constexpr std::array<Field<Key>, 7> kKeyFields = {{
    {1, "name", Presence::required, [](auto& reader, Key& key) { return keep(read_name(reader), key.name); }},
    {2, "public key", Presence::required,
     [](auto& reader, Key& key) { return keep(read_cose_key(reader), key.cose_key); }},
    {3, "roles", Presence::required,
     [](auto& reader, Key& key) { return keep(read_list(reader, kRoles, read_role), key.roles); }},
    {4, "prefixes", Presence::optional,
     [](auto& reader, Key& key) { return keep(read_list(reader, kMaxPrefixes, read_prefix), key.prefixes); }},
    {5, "not before", Presence::optional,
     [](auto& reader, Key& key) { return keep(read_time(reader), key.not_before); }},
    {6, "not after", Presence::optional, [](auto& reader, Key& key) { return keep(read_time(reader), key.not_after); }},
    {7, "offline", Presence::optional, [](auto& reader, Key& key) { return keep(read_true(reader), key.offline); }},
}};

Result<Key> read_key(cbor::Reader& reader) {
  return read_fields<Key>(reader, kKeyFields);
}

constexpr std::array<Field<ProductRule>, 3> kRuleFields = {{
    {1, "prefix", Presence::required,
     [](auto& reader, ProductRule& rule) { return keep(read_prefix(reader), rule.prefix); }},
    {2, "threshold", Presence::required,
     [](auto& reader, ProductRule& rule) { return keep(read_count(reader), rule.threshold); }},
    {3, "offline", Presence::optional,
     [](auto& reader, ProductRule& rule) { return keep(read_count(reader), rule.offline); }},
}};

Result<ProductRule> read_rule(cbor::Reader& reader) {
  return read_fields<ProductRule>(reader, kRuleFields);
}

constexpr std::array<Field<Root>, 6> kRootFields = {{
    {1, "format version", Presence::required, [](auto& reader, Root&) { return read_format_version(reader); }},
    {2, "version", Presence::required, [](auto& reader, Root& root) { return keep(reader.read_uint(), root.version); }},
    {3, "issued", Presence::required, [](auto& reader, Root& root) { return keep(read_time(reader), root.issued); }},
    {4, "thresholds", Presence::required, read_thresholds},
    {5, "keys", Presence::required,
     [](auto& reader, Root& root) { return keep(read_list(reader, kMaxKeys, read_key), root.keys); }},
    {6, "products", Presence::optional,
     [](auto& reader, Root& root) { return keep(read_list(reader, kMaxProductRules, read_rule), root.products); }},
}};

// ------------------------------------------------------------------------------------------------ rules

Error broken(const std::string& what) {
  return Error{Errc::invalid, what};
}

template <class T>
bool has_one_twice(std::vector<T> items) {
  std::ranges::sort(items);
  return std::ranges::adjacent_find(items) != items.end();
}

/// A prefix on a key whose records name no product would bind nothing, and look as if it did.
bool may_have_prefixes(const Key& key) {
  return std::ranges::all_of(key.roles, [](Role role) { return role == Role::author || role == Role::head; });
}

Result<void> check_key(const Key& key) {
  const std::string name = "key " + key.name;
  if (has_one_twice(key.roles)) return broken(name + " has a role twice");
  if (has_one_twice(key.prefixes)) return broken(name + " has a prefix twice");
  if (!key.prefixes.empty() && !may_have_prefixes(key)) {
    return broken(name + " has prefixes, which bind authors and heads only");
  }
  if (key.not_before && key.not_after && *key.not_after < *key.not_before) {
    return broken(name + " is valid until " + to_text(*key.not_after) + ", before it begins");
  }
  return {};
}

/// The point alone, whatever else stands in the COSE_Key.
Bytes point_of(const Key& key) {
  cbor::Reader reader(key.cose_key);
  const auto read = cose::read_key(reader).value();  // was read before
  return cose::write_key({read.curve, read.x, read.y});
}

/// One owner counts once, so nothing may make two of one key: two names do not.
Result<void> check_distinct(const std::vector<Key>& keys) {
  std::set<std::string_view> names;
  std::map<Bytes, std::string_view> points;
  for (const Key& key : keys) {
    if (names.contains(key.name)) return broken("key " + key.name + " twice");
    const auto [same, is_new] = points.emplace(point_of(key), key.name);
    if (!is_new) return broken("key " + key.name + " is the same key as " + std::string(same->second));
    names.insert(key.name);
  }
  return {};
}

Result<void> check_threshold(const Root& root, Role role) {
  const std::string name(name_of(role));
  const unsigned threshold = root.threshold(role);
  const auto keys = std::ranges::count_if(root.keys, [&](const Key& key) { return key.has(role); });
  if (keys == 0 && role != Role::root) return {};
  if (keys >= threshold) return {};
  return broken("a threshold of " + std::to_string(threshold) + " " + name + " keys, and there are " +
                std::to_string(keys));
}

/// What no set of this root's authors could meet. Prefixes of keys are not asked: they may be of components.
Result<void> check_rule(const Root& root, const ProductRule& rule) {
  const std::string name = "the rule for " + rule.prefix;
  const auto is_author = [](const Key& key) { return key.has(Role::author); };
  const auto is_offline_author = [](const Key& key) { return key.has(Role::author) && key.offline; };
  if (rule.offline > rule.threshold) return broken(name + " asks for more offline authors than authors");
  if (rule.threshold > std::ranges::count_if(root.keys, is_author)) return broken(name + " asks for too many authors");
  if (rule.offline > std::ranges::count_if(root.keys, is_offline_author)) {
    return broken(name + " asks for too many offline authors");
  }
  return {};
}

Result<void> check(const Root& root) {
  for (const Key& key : root.keys) {
    if (auto kept = check_key(key); !kept) return kept;
  }
  if (auto kept = check_distinct(root.keys); !kept) return kept;
  for (std::size_t role = 0; role < kRoles; ++role) {
    if (auto kept = check_threshold(root, static_cast<Role>(role)); !kept) return kept;
  }
  std::vector<std::string> prefixes;
  for (const ProductRule& rule : root.products) {
    if (auto kept = check_rule(root, rule); !kept) return kept;
    prefixes.push_back(rule.prefix);
  }
  if (has_one_twice(prefixes)) return broken("two rules for one prefix");
  return {};
}

// ------------------------------------------------------------------------------------------------ writing

void write_key(cbor::Writer& writer, const Key& key) {
  const std::size_t optional = (key.prefixes.empty() ? 0U : 1U) + (key.not_before ? 1U : 0U) +
                               (key.not_after ? 1U : 0U) + (key.offline ? 1U : 0U);
  writer.map(3 + optional).uint(1).text(key.name).uint(2).bytes(key.cose_key).uint(3).array(key.roles.size());
  for (const Role role : key.roles) writer.uint(static_cast<std::uint64_t>(role));
  if (!key.prefixes.empty()) writer.uint(4).array(key.prefixes.size());
  for (const std::string& prefix : key.prefixes) writer.text(prefix);
  if (key.not_before) writer.uint(5).uint(seconds_of(*key.not_before));
  if (key.not_after) writer.uint(6).uint(seconds_of(*key.not_after));
  if (key.offline) writer.uint(7).boolean(true);
}

void write_rule(cbor::Writer& writer, const ProductRule& rule) {
  writer.map(rule.offline > 0 ? 3 : 2).uint(1).text(rule.prefix).uint(2).uint(rule.threshold);
  if (rule.offline > 0) writer.uint(3).uint(rule.offline);
}

}  // namespace

bool Key::has(Role role) const {
  return std::ranges::find(roles, role) != roles.end();
}

unsigned Root::threshold(Role role) const {
  return thresholds[static_cast<std::size_t>(role)];
}

std::string_view name_of(Role role) {
  return kRoleNames[static_cast<std::size_t>(role)];
}

std::optional<Role> role_from(std::string_view name) {
  const auto* const found = std::ranges::find(kRoleNames, name);
  if (found == kRoleNames.end()) return std::nullopt;
  return static_cast<Role>(found - kRoleNames.begin());
}

Result<Root> read_root(ByteView payload) {
  auto root = read_payload<Root>(payload, kRootFields);
  if (!root) return root.error().within("root");
  if (auto kept = check(*root); !kept) return kept.error().within("root");
  return root;
}

Bytes write_root(const Root& root) {
  Bytes payload;
  cbor::Writer writer(payload);
  writer.map(root.products.empty() ? 5 : 6).uint(1).uint(kFormatVersion).uint(2).uint(root.version);
  writer.uint(3).uint(seconds_of(root.issued)).uint(4).array(kRoles);
  for (const unsigned threshold : root.thresholds) writer.uint(threshold);
  writer.uint(5).array(root.keys.size());
  for (const Key& key : root.keys) write_key(writer, key);
  if (!root.products.empty()) writer.uint(6).array(root.products.size());
  for (const ProductRule& rule : root.products) write_rule(writer, rule);
  return payload;
}

}  // namespace hg::trust
