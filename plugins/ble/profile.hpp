// SPDX-License-Identifier: Apache-2.0
// What the profile of a child type says in its table [ble] beside the keys of SMP (smp/profile.hpp): how the child is
// paired with, and how its connection is used. Ranges and meanings stand in config/profiles/schema/ble.toml. Read once
// for each Enroll by whoever makes the link.
#pragma once

#include "base/error.hpp"
#include "smp/clock.hpp"
#include "wire/frames.hpp"

namespace hg::ble {

struct Profile {
  /// With anything but `none` no packet of a step is sent over a connection without a bond.
  enum class Pairing : std::uint8_t { none, just_works, passkey };

  Pairing pairing = Pairing::none;  ///< pairing: "none", "just-works", "passkey"
  bool acquire = true;              ///< acquire: values go through descriptors; else through messages
  smp::Milliseconds idle{5000};     ///< idle_ms: without a step, until the connection is closed

  friend bool operator==(const Profile&, const Profile&) = default;
};

/// Errc::invalid names the value that is of another type or out of its range.
Result<Profile> profile_from(const wire::ProfileValues& values);

}  // namespace hg::ble
