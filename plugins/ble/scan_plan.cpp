// SPDX-License-Identifier: Apache-2.0
#include "ble/scan_plan.hpp"

namespace hg::ble {

bool ScanPlan::wants_to_listen(const Needs& needs, SteadyTime now) {
  if (needs.is_missed) return true;
  if (needs.is_stale && !needs.has_transfers) return true;
  const bool is_round = round_ != SteadyTime{} && now - round_ < kRound;
  if (is_round) return true;
  const bool is_due = round_ == SteadyTime{} || now - round_ >= kEvery;
  // A transfer is not slowed for strangers, but for a child that may sleep and be there for a moment only it is.
  if (!is_due || (needs.has_transfers && !needs.has_long_missing)) return false;
  round_ = now;
  return true;
}

}  // namespace hg::ble
