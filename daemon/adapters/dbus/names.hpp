// SPDX-License-Identifier: Apache-2.0
// The names of headgate on the bus. config/dbus/*.xml says what is behind them. Used by the face.
#pragma once

namespace hg::bus {

inline constexpr const char* kBusName = "org.headgate.Headgate1";
inline constexpr const char* kRootPath = "/org/headgate/Headgate1";
inline constexpr const char* kManagerPath = "/org/headgate/Headgate1/Manager";
inline constexpr const char* kTrustPath = "/org/headgate/Headgate1/Trust";
inline constexpr const char* kChildrenPath = "/org/headgate/Headgate1/children";
inline constexpr const char* kGroupsPath = "/org/headgate/Headgate1/groups";
inline constexpr const char* kDeliverablesPath = "/org/headgate/Headgate1/deliverables";
inline constexpr const char* kRolloutsPath = "/org/headgate/Headgate1/rollouts";
inline constexpr const char* kJobsPath = "/org/headgate/Headgate1/jobs";

inline constexpr const char* kManagerInterface = "org.headgate.Headgate1.Manager";
inline constexpr const char* kTrustInterface = "org.headgate.Headgate1.Trust";
inline constexpr const char* kChildInterface = "org.headgate.Headgate1.Child";
inline constexpr const char* kGroupInterface = "org.headgate.Headgate1.Group";
inline constexpr const char* kDeliverableInterface = "org.headgate.Headgate1.Deliverable";
inline constexpr const char* kRolloutInterface = "org.headgate.Headgate1.Rollout";
inline constexpr const char* kJobInterface = "org.headgate.Headgate1.Job";

}  // namespace hg::bus
