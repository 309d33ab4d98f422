// SPDX-License-Identifier: Apache-2.0
// How urgent a deliverable is, in the words of this gateway's administrator: SUIT's update priority against two limits.
// Shown by control; what urgency changes in a rollout is not decided here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hg::service {

/// Smaller priorities are more urgent (draft-ietf-suit-update-management §4.3).
struct UrgencyLimits {
  std::int64_t emergency = -100;  ///< up to this
  std::int64_t major = 0;         ///< up to this
};

/// "emergency", "major" or "minor"; without a priority "minor".
constexpr std::string_view urgency_of(std::optional<std::int64_t> priority, const UrgencyLimits& limits) {
  if (!priority || *priority > limits.major) return "minor";
  return *priority > limits.emergency ? "major" : "emergency";
}

}  // namespace hg::service
