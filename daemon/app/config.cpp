// SPDX-License-Identifier: Apache-2.0
#include "app/config.hpp"

#include <pwd.h>

#include <algorithm>
#include <limits>

#include "app/class_id.hpp"
#include "app/grouping.hpp"
#include "app/settings_file.hpp"
#include "wire/frames.hpp"
#include "wire/limits.hpp"

namespace hg::app {

namespace {

void read_directories(Section section, Config& config) {
  config.state = section.text("state", "/var/lib/headgate");
  config.cache = section.text("cache", "/var/cache/headgate");
  config.runtime = section.text("runtime", "/run/headgate");
  config.import = section.text("import", "/var/lib/headgate/import");
  config.profile_directories = section.texts("profiles", {"/usr/share/headgate/profiles", "/etc/headgate/profiles"});
}

void read_trust(Section section, TrustConfig& trust) {
  trust.root = section.text("root", "");
  trust.anchors = section.text("anchors", "/etc/headgate/anchors");
  trust.require_head = section.boolean("require_head", false);
  const std::string when_expired = section.text("when_expired", "hold");
  trust.hold_when_expired = when_expired != "go-on";
  if (when_expired != "hold" && when_expired != "go-on")
    section.complain("when_expired", "must be \"hold\" or \"go-on\"");
}

void read_urgency(Section section, UrgencyConfig& urgency) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  urgency.emergency = section.integer("emergency", -100, kLeast, kMost);
  urgency.major = section.integer("major", 0, kLeast, kMost);
  if (urgency.major < urgency.emergency)
    section.complain("major", "must not be below urgency.emergency: a smaller priority is more urgent");
}

void read_cloud(Section section, CloudConfig& cloud) {
  cloud.broker = section.text("broker", "");
  if (!cloud.broker.empty() && !cloud.broker.starts_with("mqtts://"))
    section.complain("broker", "must be mqtts://HOST:PORT: announcements travel over TLS only");
  cloud.topic = section.text("topic", "headgate/announcements");
  if (cloud.topic.empty() || cloud.topic.find_first_of("#+") != std::string::npos)
    section.complain("topic", "must be one topic without wildcards");
  cloud.client_id = section.text("client_id", "");
  cloud.ca_file = section.text("ca_file", "/etc/ssl/certs/ca-certificates.crt");
  cloud.username = section.text("username", "");
  cloud.password_credential = section.text("password_credential", "");
  cloud.certificate_file = section.text("certificate_file", "");
  cloud.private_key_credential = section.text("private_key_credential", "");
}

void read_keys(Section section, KeysConfig& keys) {
  keys.gateway_credential = section.text("gateway_credential", "");
  keys.gateway_key = section.text("gateway_key", "");
  keys.openssl_provider = section.text("openssl_provider", "");
  keys.shared_credential = section.text("shared_credential", "");
  if (!keys.gateway_credential.empty() && !keys.gateway_key.empty())
    section.complain("gateway_key", "excludes gateway_credential: a gateway has one key");
  if (!keys.openssl_provider.empty() && keys.gateway_key.empty())
    section.complain("openssl_provider", "is for gateway_key, which is not set");
  if (!keys.shared_credential.empty() && !keys.has_own())
    section.complain("shared_credential", "needs gateway_key or gateway_credential beside it");
}

void read_plugins(Section section, Config& config) {
  config.plugin_group = section.text("group", "");
  for (const std::string& name : section.section_names()) {
    if (name == "group") continue;
    Section plugin = section.section(name);
    PluginBinding binding{name, 0};
    if (plugin.has("uid")) {
      binding.uid = static_cast<uid_t>(plugin.integer("uid", 0, 0, std::numeric_limits<uid_t>::max()));
    } else {
      const std::string user = plugin.text("user", "headgate-" + name);
      const passwd* entry = ::getpwnam(user.c_str());
      if (entry == nullptr) {
        plugin.complain("user", "there is no user " + user);
        continue;
      }
      binding.uid = entry->pw_uid;
    }
    config.plugins.push_back(std::move(binding));
  }
}

core::Target read_target(Section section, std::string_view name_key) {
  core::Target target;
  target.name = section.text(name_key, target.name);
  if (target.name.empty() || target.name.size() > kLongestTarget)
    section.complain(name_key, "must name a component, in at most 64 characters");
  target.image_number = static_cast<std::uint8_t>(section.integer("image", 0, 0, kMostImage));
  return target;
}

/// The images of a child: `target` and `image` for the only one, or a list `targets`.
std::vector<core::Target> read_targets(Section& section) {
  if (!section.has("targets")) return {read_target(section, "target")};
  for (const char* single : {"target", "image"})
    if (section.has(single)) section.complain(single, "stands in the list targets already");
  std::vector<core::Target> targets;
  for (Section& listed : section.list("targets")) {
    for (const char* needed : {"name", "image"})
      if (!listed.has(needed)) listed.complain(needed, "must be said of each of several targets");
    core::Target target = read_target(listed, "name");
    for (const core::Target& other : targets) {
      if (other.name == target.name) listed.complain("name", "another target has it already");
      if (other.image_number == target.image_number) listed.complain("image", "another target has it already");
    }
    targets.push_back(std::move(target));
  }
  if (targets.empty() || targets.size() > kMostTargets) section.complain("targets", "must be a list of 1 to 16 tables");
  if (targets.empty()) targets.emplace_back();
  return targets;
}

core::Enrollment read_child(const std::string& name, Section section) {
  core::Enrollment child;
  child.id = name;
  child.transport = section.text("transport", "");
  child.address = section.text("address", "");
  child.profile = section.text("profile", "mcuboot-swap");
  child.targets = read_targets(section);
  if (!wire::is_name(name)) section.complain("transport", "a child's name has 1 to 64 of A-Z a-z 0-9 . _ -");
  if (child.transport.empty()) section.complain("transport", "must name a plugin");
  if (child.address.empty() || child.address.size() > wire::kMaxAddress)
    section.complain("address", "must say where the child is, in at most 256 characters");
  if (!wire::is_name(child.profile)) section.complain("profile", "is not the name of a profile");
  const ClassId id = read_class_id(section);
  child.vendor = id.vendor;
  child.device_class = id.device_class;
  const std::string link = section.text("link", "none");
  if (link == "internal")
    child.link = core::LinkProtection::internal;
  else if (link != "none")
    section.complain("link", "must be \"none\" or \"internal\"");
  return child;
}

bool is_bound(const Config& config, const std::string& transport) {
  return std::ranges::find(config.plugins, transport, &PluginBinding::transport) != config.plugins.end();
}

void read_children(Section section, Config& config) {
  for (const std::string& name : section.section_names()) {
    core::Enrollment child = read_child(name, section.section(name));
    if (!is_bound(config, child.transport) && !child.transport.empty())
      section.section(name).complain("transport", "no [plugins." + child.transport + "] says which user serves it");
    const bool is_taken = std::ranges::any_of(config.children, [&](const core::Enrollment& other) {
      return other.transport == child.transport && other.address == child.address;
    });
    if (is_taken) section.section(name).complain("address", "another child stands there already");
    if (wire::is_name(child.profile) && !has_profile(config.profile_directories, child.profile))
      section.section(name).complain("profile", "there is no profile " + child.profile);
    config.children.push_back(std::move(child));
  }
}

EnrollPolicy read_policy(Section& section, const Config& config) {
  EnrollPolicy policy;
  policy.name = section.text("name", "");
  policy.transport = section.text("transport", "");
  policy.profile = section.text("profile", "mcuboot-swap");
  policy.targets = read_targets(section);
  const ClassId id = read_class_id(section);
  policy.vendor = id.vendor;
  policy.device_class = id.device_class;
  if (!wire::is_name(policy.name)) section.complain("name", "a policy's name has 1 to 64 of A-Z a-z 0-9 . _ -");
  if (!is_bound(config, policy.transport))
    section.complain("transport", "no [plugins." + policy.transport + "] says which user serves it");
  if (!wire::is_name(policy.profile) || !has_profile(config.profile_directories, policy.profile))
    section.complain("profile", "there is no profile " + policy.profile);
  return policy;
}

/// Two for the same kind of child would leave it to their order what becomes of it.
void read_policies(std::vector<Section> listed, Config& config) {
  for (Section& section : listed) {
    EnrollPolicy policy = read_policy(section, config);
    for (const EnrollPolicy& other : config.enroll_policies) {
      if (other.name == policy.name) section.complain("name", "another policy has it already");
      if (other.transport == policy.transport && other.vendor == policy.vendor &&
          other.device_class == policy.device_class)
        section.complain("class", "policy " + other.name + " takes the same children already");
    }
    config.enroll_policies.push_back(std::move(policy));
  }
}

/// Errors name the child or policy whose profile it is: the file says where, the name why it matters.
Result<void> apply_profiles(Config& config) {
  std::map<std::string, Profile> profiles;
  const auto read = [&](const std::string& name, const std::string& who) -> Result<void> {
    if (profiles.contains(name)) return {};
    Result<Profile> profile = read_profile(config.profile_directories, name);
    if (!profile) return profile.error().within(who);
    profiles.emplace(name, std::move(*profile));
    return {};
  };
  for (core::Enrollment& child : config.children) {
    if (const Result<void> done = read(child.profile, "child " + child.id); !done) return done;
    apply(profiles.at(child.profile), child);
  }
  for (const EnrollPolicy& policy : config.enroll_policies)
    if (const Result<void> done = read(policy.profile, "policy " + policy.name); !done) return done;
  for (auto& [name, profile] : profiles) config.profiles.emplace(name, std::move(profile.tables));
  return {};
}

}  // namespace

Result<Config> read_config(const std::filesystem::path& path) {
  Result<SettingsFile> file = SettingsFile::read(path);
  if (!file) return file.error();
  Section top = file->top();
  Config config;
  read_directories(top.section("directories"), config);
  read_trust(top.section("trust"), config.trust);
  read_urgency(top.section("urgency"), config.urgency);
  read_keys(top.section("keys"), config.keys);
  constexpr std::int64_t kMostMib = 1LL << 24;
  config.cache_limit_bytes = static_cast<std::uint64_t>(top.section("cache").integer("limit_mib", 4096, 1, kMostMib))
                             << 20;
  read_cloud(top.section("cloud"), config.cloud);
  Section fetch = top.section("fetch");
  config.minimum_bytes_per_second =
      static_cast<std::uint64_t>(fetch.integer("minimum_bytes_per_second", 128, 1, 1LL << 30));
  config.fetch_attempts = static_cast<unsigned>(fetch.integer("attempts", 8, 1, 1000));
  config.same_host_only = fetch.boolean("same_host_only", false);
  read_plugins(top.section("plugins"), config);
  read_children(top.section("children"), config);
  read_policies(top.list("enroll"), config);
  config.layouts = read_layouts(top.section("layouts"));
  config.groups = read_groups(top.section("groups"), top.section("children"), config.layouts, config.children);
  if (const Result<void> finished = file->finish(); !finished) return finished.error();
  if (const Result<void> applied = apply_profiles(config); !applied) return applied.error();
  return config;
}

}  // namespace hg::app
