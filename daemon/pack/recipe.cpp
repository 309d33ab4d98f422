// SPDX-License-Identifier: Apache-2.0
#include "pack/recipe.hpp"

#include <algorithm>
#include <set>

#include "pack/component_text.hpp"
#include "pack/toml_table.hpp"

namespace hg::pack {

namespace {

/// What a target takes from the release if it does not say otherwise.
struct Defaults {
  std::string vendor;
  std::string device_class;
  Gates gates;
};

Gates read_gates(Table& table, const Gates& defaults) {
  Gates gates = defaults;
  if (const auto date = table.date("use-before")) gates.use_before = date;
  if (const auto date = table.date("not-before")) gates.not_before = date;
  if (const auto priority = table.integer("priority")) gates.priority = priority;
  if (const auto energy = table.number("minimum-battery-mwh")) gates.minimum_battery_mwh = energy;
  if (const auto needed = table.flag("needs-authorization")) gates.needs_authorization = *needed;
  for (const std::string& rule : table.texts("requires"))
    gates.versions.push_back(table.value_of("requires", parse_rule(rule)));
  for (const std::string& rule : table.texts("after"))
    gates.after.push_back(table.value_of("after", parse_other_rule(rule)));
  return gates;
}

McubootClaims read_claims(Table& table) {
  McubootClaims claims;
  if (const auto number = table.number("image-number")) {
    if (*number > 15) table.complain("image-number", "must be from 0 to 15");
    claims.image_number = static_cast<std::uint8_t>(*number);
  }
  if (const auto hash = table.text("image-hash")) {
    claims.hash = Digest::from_text(*hash);
    if (!claims.hash) table.complain("image-hash", "must be hexadecimal digits");
  }
  claims.security_counter = table.number("security-counter");
  claims.encrypted = table.flag("mcuboot-encrypted");
  claims.dependencies = table.texts("depends");
  claims.swaps = table.flag("swaps").value_or(true);
  return claims;
}

void read_encryption(Table& table, TargetRecipe& target) {
  target.encryption_info = table.file("encryption-info");
  target.plaintext = table.file("plaintext");
  if (target.encryption_info.has_value() != target.plaintext.has_value())
    table.complain(target.plaintext ? "plaintext" : "encryption-info",
                   "\"encryption-info\" and \"plaintext\" come together: file is the ciphertext then");
  const auto staging = table.text("staging");
  if (staging && !target.encryption_info) table.complain("staging", "is for encrypted targets");
  if (target.encryption_info)
    target.staging = table.value_of("staging", component_from(staging.value_or(target.name + "/ciphertext")));
}

TargetRecipe read_target(Table& table, const Defaults& defaults) {
  TargetRecipe target;
  target.name = table.required_text("component");
  target.component = table.value_of("component", component_from(target.name));
  target.file = table.required_file("file");
  target.uri = table.text("uri").value_or("");
  if (target.uri.starts_with('#')) table.complain("uri", "leave it out to have the bytes in the envelope");
  const std::string vendor = table.text("vendor").value_or(defaults.vendor);
  const std::string device_class = table.text("class").value_or(defaults.device_class);
  if (vendor.empty()) table.complain("vendor", "is missing, here and at the top");
  if (device_class.empty()) table.complain("class", "is missing, here and at the top");
  target.vendor_id = crypto::uuid_from(vendor, crypto::kDnsNamespace);
  target.class_id = crypto::uuid_from(device_class, target.vendor_id);
  target.version = table.text("version").value_or("");
  if (!target.version.empty()) table.value_of("version", parse_version(target.version));
  target.gates = read_gates(table, defaults.gates);
  target.mcuboot = read_claims(table);
  read_encryption(table, target);
  return target;
}

/// The place of the target of this name; none: targets.size().
std::size_t find_target(const std::vector<TargetRecipe>& targets, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(targets, name, &TargetRecipe::name) - targets.begin());
}

/// Every `after` names another target, and nobody waits for whoever waits for him: taken out one by one, those who wait
/// for nobody left, none remains.
void check_order(Table& top, const std::vector<TargetRecipe>& targets) {
  std::vector<bool> is_done(targets.size());
  const auto may_come = [&](const TargetRecipe& target) {
    return std::ranges::all_of(target.gates.after, [&](const suit::TargetVersion& other) {
      const std::size_t at = find_target(targets, other.target);
      return at == targets.size() || is_done[at];
    });
  };
  for (const TargetRecipe& target : targets)
    for (const suit::TargetVersion& other : target.gates.after)
      if (find_target(targets, other.target) == targets.size())
        top.complain("target", "\"" + target.name + "\" comes after \"" + other.target + "\", which is no target");
  for (std::size_t round = 0; round < targets.size(); ++round)
    for (std::size_t at = 0; at < targets.size(); ++at) is_done[at] = is_done[at] || may_come(targets[at]);
  const auto waits = std::ranges::find(is_done, false);
  if (waits != is_done.end())
    top.complain("target",
                 "\"" + targets[static_cast<std::size_t>(waits - is_done.begin())].name + "\" waits for itself");
}

/// No component twice.
void check_names(Table& top, const std::vector<TargetRecipe>& targets) {
  std::set<suit::ComponentId> components;
  for (const TargetRecipe& target : targets) {
    const bool is_new = components.insert(target.component).second &&
                        (!target.encryption_info || components.insert(target.staging).second);
    if (!is_new) top.complain("target", "the component of \"" + target.name + "\" is there twice");
  }
}

}  // namespace

Result<Recipe> read_recipe(const std::filesystem::path& path) {
  Result<Table> top = Table::read(path);
  if (!top) return top.error();
  Recipe recipe;
  recipe.sequence = top->required_number("sequence");
  recipe.product = top->value_of("product", component_from(top->required_text("product")));
  recipe.version = top->value_of("version", parse_version(top->required_text("version")));
  recipe.description = top->text("description").value_or("");
  const Defaults defaults{top->text("vendor").value_or(""), top->text("class").value_or(""), read_gates(*top, {})};
  for (Table& table : top->tables("target")) recipe.targets.push_back(read_target(table, defaults));
  if (recipe.targets.empty()) top->complain("target", "there is no [[target]]");
  check_names(*top, recipe.targets);
  check_order(*top, recipe.targets);
  if (const Result<void> done = top->finish(); !done) return done.error();
  return recipe;
}

}  // namespace hg::pack
