// SPDX-License-Identifier: Apache-2.0
#include "ble/profile.hpp"

#include "sdk/profile_values.hpp"

namespace hg::ble {

Result<Profile> profile_from(const wire::ProfileValues& values) {
  Profile profile;
  plugin::ProfileReading read(values);
  read.choice("pairing", {"none", "just-works", "passkey"}, profile.pairing);
  read.boolean("acquire", profile.acquire);
  read.ms("idle_ms", 0, 600'000, profile.idle);
  if (const auto whole = read.result(); !whole) return whole.error();
  return profile;
}

}  // namespace hg::ble
