// SPDX-License-Identifier: Apache-2.0
#include "app/profile.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "app/settings_file.hpp"
#include "wire/codec.hpp"
#include "wire/limits.hpp"

namespace hg::app {

namespace {

/// The tables that are for the daemon.
constexpr std::array<std::string_view, 4> kOwnTables{"patience", "power", "backup", "protection"};

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

/// The last directory that has the file; empty: none.
std::filesystem::path find(const ProfileDirectories& directories, const std::filesystem::path& file) {
  std::filesystem::path path;
  for (const std::string& directory : directories) {
    const std::filesystem::path candidate = directory / file;
    std::error_code ignored;
    if (std::filesystem::exists(candidate, ignored)) path = candidate;
  }
  return path;
}

/// How long a transfer may make no progress, as the tables of the transports say.
struct Silence {
  Duration longest{0};  ///< also by default, where a table says nothing
  Duration wanted{0};   ///< by a key that is in the profile
  std::string key;      ///< that one: "serial.erase_ms"
};

void add_silences(const std::string& transport, const ProfileValues& values, const TableSchema& schema, Silence& all) {
  for (const auto& [key, rule] : schema) {
    if (!rule.is_silence) continue;
    const auto value = values.find(key);
    const bool is_said = value != values.end();
    const Duration silence{std::get<std::int64_t>(is_said ? value->second : rule.fallback)};
    all.longest = std::max(all.longest, silence);
    if (!is_said || silence <= all.wanted) continue;
    all.wanted = silence;
    all.key = transport + "." + key;
  }
}

Duration milliseconds(Section& section, std::string_view key, Duration fallback, std::int64_t most) {
  return Duration{section.integer(key, fallback.count(), 0, most)};
}

/// What the profile does not say leaves room for the longest silence twice: the first request may be lost.
Duration read_stall(Section& section, const Silence& silence, const core::Patience& patience) {
  const Duration fallback = std::max(patience.transfer_stall, 2 * silence.longest + patience.answer);
  const Duration stall = milliseconds(section, "stall_ms", fallback, kDayMs);
  if (stall <= silence.wanted)
    section.complain("stall_ms", "must be longer than " + silence.key + ", in which a transfer makes no progress");
  return stall;
}

core::Patience read_patience(Section section, const Silence& silence) {
  core::Patience patience;
  patience.answer = milliseconds(section, "answer_ms", patience.answer, kDayMs);
  patience.transfer_stall = read_stall(section, silence, patience);
  patience.swap = milliseconds(section, "swap_ms", patience.swap, kDayMs);
  patience.swap_per_kib = milliseconds(section, "swap_ms_per_kib", patience.swap_per_kib, 1000);
  patience.health = milliseconds(section, "health_ms", patience.health, 7 * kDayMs);
  patience.backoff = milliseconds(section, "backoff_ms", patience.backoff, kDayMs);
  patience.pause = milliseconds(section, "pause_ms", patience.pause, kDayMs);
  patience.look_again = milliseconds(section, "look_again_ms", patience.look_again, 7 * kDayMs);
  patience.test_window = milliseconds(section, "test_window_ms", patience.test_window, 7 * kDayMs);
  patience.attempts = static_cast<unsigned>(section.integer("attempts", patience.attempts, 1, 1000));
  const std::int64_t rest_h = section.integer("rest_h", 24, 0, 24LL * 365);
  patience.rest = std::chrono::hours{rest_h};
  constexpr Duration kLeast{1};
  patience.transfer_stall = std::max(patience.transfer_stall, Duration{1000});
  patience.answer = std::max(patience.answer, kLeast);
  patience.pause = std::max(patience.pause, kLeast);
  patience.look_again = std::max(patience.look_again, Duration{1000});
  return patience;
}

core::RestorePolicy read_restore(Section section) {
  const auto policy = core::restore_policy_from(section.text("restore", "after-revert"));
  if (!policy) section.complain("restore", R"(must be "never", "after-revert", "after-update" or "always")");
  return policy.value_or(core::RestorePolicy::after_revert);
}

/// What a child must have before an image goes to it. There is no "none": nothing turns protection off.
core::ProtectionPolicy read_protection(Section section) {
  constexpr std::int64_t kHighestTier = 3;
  core::ProtectionPolicy policy;
  policy.tier = static_cast<std::uint8_t>(section.integer("tier", 0, 0, kHighestTier));
  const auto least = core::protection_from(section.text("least", "internal-link"));
  if (!least || *least == core::Protection::none)
    section.complain("least", R"(must be "internal-link", "link", "re-wrapped" or "sealed")");
  policy.least = least.value_or(core::Protection::sealed);
  const std::string claims = section.text("claims", "accept");
  if (claims != "accept" && claims != "refuse") section.complain("claims", R"(must be "accept" or "refuse")");
  policy.takes_claims = claims == "accept";
  policy.sealed_by_vendor = section.boolean("sealed_by_vendor", false);
  return policy;
}

/// Whether a plugin can be told all of it: in one frame, beside a name and an address of any length.
bool fits_a_frame(const ProfileValues& values) {
  return static_cast<bool>(
      wire::encode(wire::Enroll{std::string(wire::kMaxName, 'x'), std::string(wire::kMaxAddress, 'x'), values}));
}

Result<void> read_tables(const ProfileDirectories& directories, Section top, TransportTables& tables,
                         Silence& silence) {
  for (const std::string& transport : top.section_names()) {
    if (std::ranges::find(kOwnTables, transport) != kOwnTables.end()) continue;
    const std::filesystem::path path = find(directories, std::filesystem::path("schema") / (transport + ".toml"));
    if (path.empty() || !wire::is_name(transport)) {
      // An empty table says nothing that would have to be checked.
      Section table = top.section(transport);
      for (const std::string& key : table.section_names())
        table.complain(key, "cannot be checked: there is no schema/" + transport + ".toml");
      continue;
    }
    const Result<TableSchema> schema = read_schema(path);
    if (!schema) return schema.error().within("schema of [" + transport + "]");
    ProfileValues values = values_in(top.section(transport), *schema);
    if (!fits_a_frame(values)) top.complain(transport, "says more than a plugin can be told, 16 KiB in all");
    add_silences(transport, values, *schema, silence);
    tables.emplace(transport, std::move(values));
  }
  return {};
}

}  // namespace

bool has_profile(const ProfileDirectories& directories, const std::string& name) {
  return !find(directories, name + ".toml").empty();
}

Result<Profile> read_profile(const ProfileDirectories& directories, const std::string& name) {
  const std::filesystem::path path = find(directories, name + ".toml");
  if (path.empty()) return Error{Errc::not_found, "there is no profile " + name};
  Result<SettingsFile> file = SettingsFile::read(path);
  if (!file) return file.error();
  Section top = file->top();
  Profile profile;
  Silence silence;
  if (const Result<void> read = read_tables(directories, top, profile.tables, silence); !read) return read.error();
  profile.patience = read_patience(top.section("patience"), silence);
  profile.restore = read_restore(top.section("backup"));
  profile.least_battery = static_cast<unsigned>(top.section("power").integer("least_battery", 20, 0, 100));
  profile.protection = read_protection(top.section("protection"));
  if (const Result<void> finished = file->finish(); !finished) return finished.error();
  return profile;
}

void apply(const Profile& profile, core::Enrollment& child) {
  child.patience = profile.patience;
  child.restore = profile.restore;
  child.least_battery = profile.least_battery;
  child.protection = profile.protection;
}

}  // namespace hg::app
