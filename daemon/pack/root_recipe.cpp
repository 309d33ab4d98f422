// SPDX-License-Identifier: Apache-2.0
// make_root(): from a TOML recipe to a root file; the keys are described in headgate-pack(1).
#include "adapters/crypto/public_keys.hpp"
#include "pack/dates.hpp"
#include "pack/files.hpp"
#include "pack/toml_table.hpp"
#include "pack/write_record.hpp"
#include "trust/root.hpp"

namespace hg::pack {

namespace {

unsigned small_number(Table& table, std::string_view key, unsigned fallback) {
  const std::uint64_t number = table.number(key).value_or(fallback);
  if (number > trust::kMaxKeys) table.complain(key, "is more than there can be keys");
  return static_cast<unsigned>(number);
}

std::array<unsigned, trust::kRoles> read_thresholds(Table table) {
  std::array<unsigned, trust::kRoles> thresholds{};
  for (std::size_t role = 0; role < trust::kRoles; ++role)
    thresholds[role] = small_number(table, name_of(static_cast<trust::Role>(role)), 1);
  return thresholds;
}

Result<Bytes> read_key_file(const std::filesystem::path& path) {
  const Result<Bytes> pem = read_file(path);
  if (!pem) return pem.error();
  auto key = crypto::cose_key_from_pem({reinterpret_cast<const char*>(pem->data()), pem->size()});
  if (!key) return key.error().within(path.string());
  return key;
}

trust::Key read_key(Table& table) {
  trust::Key key;
  key.name = table.required_text("name");
  key.cose_key = table.value_of("file", read_key_file(table.required_file("file")));
  for (const std::string& name : table.texts("roles")) {
    const auto role = trust::role_from(name);
    if (!role) table.complain("roles", "\"" + name + "\" is no role");
    key.roles.push_back(role.value_or(trust::Role::root));
  }
  key.prefixes = table.texts("prefixes");
  key.not_before = table.date("not-before");
  key.not_after = table.date("not-after");
  key.offline = table.flag("offline").value_or(false);
  return key;
}

trust::ProductRule read_rule(Table& table) {
  return {table.required_text("prefix"), small_number(table, "threshold", 1), small_number(table, "offline", 0)};
}

Result<trust::Root> read_recipe(const std::filesystem::path& path) {
  Result<Table> top = Table::read(path);
  if (!top) return top.error();
  trust::Root root;
  root.version = top->required_number("version");
  root.issued = top->date("issued").value_or(now());
  root.thresholds = read_thresholds(top->table("thresholds"));
  for (Table& table : top->tables("key")) root.keys.push_back(read_key(table));
  for (Table& table : top->tables("product")) root.products.push_back(read_rule(table));
  if (const Result<void> done = top->finish(); !done) return done.error();
  return root;
}

Result<void> check_successor(const trust::Root& root, const std::filesystem::path& old_file) {
  const Result<Bytes> bytes = read_file(old_file);
  if (!bytes) return bytes.error();
  const Result<trust::Record> record = trust::Record::parse(*bytes);
  if (!record) return record.error().within(old_file.string());
  if (record->kind != trust::RecordKind::root) return Error{Errc::invalid, old_file.string() + " is no root file"};
  const Result<trust::Root> old = trust::read_root(record->payload);
  if (!old) return old.error().within(old_file.string());
  if (root.version > old->version) return {};
  return Error{Errc::mismatch, "the version is " + std::to_string(root.version) + ", it must be higher than " +
                                   std::to_string(old->version) + " of " + old_file.string()};
}

}  // namespace

Result<void> make_root(const RootOptions& options) {
  const Result<trust::Root> root = read_recipe(options.recipe);
  if (!root) return root.error();
  if (options.successor_of) {
    if (const Result<void> is_next = check_successor(*root, *options.successor_of); !is_next)
      return is_next.error().within(options.recipe.string());
  }
  const Bytes payload = trust::write_root(*root);
  if (const auto read = trust::read_root(payload); !read) return read.error().within(options.recipe.string());
  return write_record(trust::RecordKind::root, payload, options);
}

}  // namespace hg::pack
