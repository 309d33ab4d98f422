// SPDX-License-Identifier: Apache-2.0
#include "app/registration.hpp"

#include <algorithm>

#include "wire/frames.hpp"
#include "wire/limits.hpp"

namespace hg::app {

namespace {

Result<void> check_targets(const std::vector<core::Target>& targets) {
  if (targets.size() > kMostTargets)
    return Error{Errc::invalid, std::to_string(targets.size()) + " targets, at most " + std::to_string(kMostTargets)};
  for (auto target = targets.begin(); target != targets.end(); ++target) {
    if (target->name.empty() || target->name.size() > kLongestTarget)
      return Error{Errc::invalid, "a target must name a component, in at most 64 characters"};
    if (target->image_number > kMostImage) return Error{Errc::invalid, "an image number is 0 to 15"};
    const auto is_same = [&](const core::Target& other) {
      return other.name == target->name || other.image_number == target->image_number;
    };
    if (std::any_of(targets.begin(), target, is_same))
      return Error{Errc::invalid, "target " + target->name + ": another has its name or image number already"};
  }
  return {};
}

Result<void> check(const core::Enrollment& child, const std::vector<PluginBinding>& plugins) {
  if (!wire::is_name(child.id)) return Error{Errc::invalid, "a child's name has 1 to 64 of A-Z a-z 0-9 . _ -"};
  if (std::ranges::find(plugins, child.transport, &PluginBinding::transport) == plugins.end())
    return Error{Errc::not_found,
                 "there is no transport \"" + child.transport + "\": no [plugins] table says which user serves it"};
  if (child.address.empty() || child.address.size() > wire::kMaxAddress)
    return Error{Errc::invalid, "its address must say where it is, in at most 256 characters"};
  if (child.vendor == core::Uuid{} || child.device_class == core::Uuid{})
    return Error{Errc::invalid, "its vendor and class must be said"};
  return check_targets(child.targets);
}

}  // namespace

Result<core::Enrollment> complete(const core::Registration& registration, const ProfileDirectories& directories,
                                  const std::vector<PluginBinding>& plugins) {
  const std::string who = "child " + registration.id.substr(0, wire::kMaxName);
  core::Enrollment child;
  child.id = registration.id;
  child.transport = registration.transport;
  child.address = registration.address;
  child.profile = registration.profile;
  child.vendor = registration.vendor;
  child.device_class = registration.device_class;
  if (!registration.targets.empty()) child.targets.clear();
  for (const auto& [name, image_number] : registration.targets) child.targets.push_back({name, image_number});
  if (const Result<void> checked = check(child, plugins); !checked) return checked.error().within(who);
  if (!wire::is_name(child.profile)) return Error{Errc::invalid, who + ": its profile has no name"};
  const Result<Profile> profile = read_profile(directories, child.profile);
  if (!profile) return profile.error().within(who);
  apply(*profile, child);
  return child;
}

std::optional<core::Registration> registration_by(const std::vector<EnrollPolicy>& policies,
                                                  const core::Discovered& discovered, Instant now) {
  const auto takes = [&](const EnrollPolicy& policy) {
    return policy.transport == discovered.transport && discovered.vendor == policy.vendor &&
           discovered.device_class == policy.device_class;
  };
  const auto policy = std::ranges::find_if(policies, takes);
  if (policy == policies.end()) return std::nullopt;
  core::Registration made;
  made.id = discovered.id;
  made.transport = discovered.transport;
  made.address = discovered.address;
  made.profile = policy->profile;
  made.vendor = policy->vendor;
  made.device_class = policy->device_class;
  for (const core::Target& target : policy->targets) made.targets.emplace_back(target.name, target.image_number);
  made.origin = core::Origin::policy;
  made.by = policy->name;
  made.at = now;
  return made;
}

}  // namespace hg::app
