// SPDX-License-Identifier: Apache-2.0
#include "app/child_types.hpp"

#include "app/registration.hpp"

namespace hg::app {

Result<core::Enrollment> ConfiguredChildTypes::complete(const core::Registration& registration) const {
  auto completed = app::complete(registration, config_.profile_directories, config_.plugins);
  if (!completed) return completed;
  auto profile = read_profile(config_.profile_directories, registration.profile);
  if (!profile) return profile.error();
  learn_(registration.profile, std::move(profile->tables));
  return completed;
}

std::optional<core::Registration> ConfiguredChildTypes::by_policy(const core::Discovered& stranger, Instant now) const {
  return registration_by(config_.enroll_policies, stranger, now);
}

}  // namespace hg::app
