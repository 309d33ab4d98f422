// SPDX-License-Identifier: Apache-2.0
// When an adapter listens for advertisements. It costs air and power, and slows connections of its own and of others,
// so it listens while somebody is looked for, and now and then for strangers and for those that have been away for
// long. Pure; radio asks it once a second for each adapter.
#pragma once

#include "sdk/driver.hpp"

namespace hg::ble {

using plugin::SteadyTime;

class ScanPlan {
 public:
  /// With nobody looked for: it listens for so long,
  static constexpr std::chrono::seconds kRound{12};
  /// and begins the next round so long after the one before began.
  static constexpr std::chrono::seconds kEvery{60};

  /// What is known of an adapter's children and transfers.
  struct Needs {
    bool is_missed = false;         ///< one is looked for that was there lately, or has not been found since the start
    bool is_stale = false;          ///< one that counts as there was not heard for a while
    bool has_transfers = false;     ///< data goes over this adapter
    bool has_long_missing = false;  ///< one has been away for long
  };

  [[nodiscard]] bool wants_to_listen(const Needs& needs, SteadyTime now);

 private:
  SteadyTime round_{};  // when the last round began
};

}  // namespace hg::ble
