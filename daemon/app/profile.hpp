// SPDX-License-Identifier: Apache-2.0
// A profile: what the administrator says of one kind of child. Patience, power, backup and protection are for the
// daemon; every other table is named like a transport and goes to that transport's plugin, checked by its schema.
// docs/profiles.md describes each key. app/config reads those that children name.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/profile_schema.hpp"
#include "core/model.hpp"

namespace hg::app {

/// What a profile says to plugins, by transport.
using TransportTables = std::map<std::string, ProfileValues>;

struct Profile {
  core::Patience patience;
  core::RestorePolicy restore = core::RestorePolicy::after_revert;
  unsigned least_battery = 20;  ///< percent
  core::ProtectionPolicy protection{.sealed_by_vendor = false};
  TransportTables tables;
};

/// Where profiles stand, NAME.toml, and in schema/TRANSPORT.toml what they may say to plugins. The later one wins.
using ProfileDirectories = std::vector<std::string>;

bool has_profile(const ProfileDirectories& directories, const std::string& name);

/// Errc::not_found: there is no such profile. Errc::invalid with "file:line:column: what".
Result<Profile> read_profile(const ProfileDirectories& directories, const std::string& name);

/// What the profile says to the daemon; what it says to plugins stays in its tables.
void apply(const Profile& profile, core::Enrollment& child);

}  // namespace hg::app
