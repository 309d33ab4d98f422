// SPDX-License-Identifier: Apache-2.0
// How urgent a deliverable is, in the words of this gateway's administrator: SUIT's update priority against two limits.
// Shown by service/control and told to a child with the offer; what it changes in a rollout is not decided here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hg::core {

enum class Urgency : std::uint8_t { minor, major, emergency };

/// Smaller priorities are more urgent (draft-ietf-suit-update-management §4.3).
struct UrgencyLimits {
  std::int64_t emergency = -100;  ///< up to this
  std::int64_t major = 0;         ///< up to this

  friend bool operator==(const UrgencyLimits&, const UrgencyLimits&) = default;
};

/// Without a priority: minor.
constexpr Urgency urgency_of(std::optional<std::int64_t> priority, const UrgencyLimits& limits) {
  if (!priority || *priority > limits.major) return Urgency::minor;
  return *priority > limits.emergency ? Urgency::major : Urgency::emergency;
}

constexpr std::string_view name_of(Urgency urgency) {
  if (urgency == Urgency::minor) return "minor";
  return urgency == Urgency::major ? "major" : "emergency";
}

}  // namespace hg::core
