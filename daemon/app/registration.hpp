// SPDX-License-Identifier: Apache-2.0
// Children that the configuration does not name one by one: what a policy makes of somebody that a plugin has met, and
// what a registration (of a command, a signed list or a policy) comes to with its profile. Called by app/daemon for
// service/control, at start and for each new one. Pure but for the profile that it reads.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/config.hpp"
#include "base/error.hpp"
#include "core/model.hpp"

namespace hg::app {

/// What every child needs to be reached and told apart. Errc::invalid: a name that is none, no or too long an address,
/// targets that are not told apart; Errc::not_found: no such transport among `plugins`, no such profile. Each says of
/// which child. Without targets it has one: "app", image 0.
Result<core::Enrollment> complete(const core::Registration& registration, const ProfileDirectories& directories,
                                  const std::vector<PluginBinding>& plugins);

/// The registration of a discovered child by the first policy that takes its like: of this transport, and it claims
/// this vendor and class. Nothing: none does, and it stays a stranger.
std::optional<core::Registration> registration_by(const std::vector<EnrollPolicy>& policies,
                                                  const core::Discovered& discovered, Instant now);

}  // namespace hg::app
