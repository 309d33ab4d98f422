// SPDX-License-Identifier: Apache-2.0
#include "sim/sim_disk.hpp"

#include <variant>

#include "fakes/remembered_rows.hpp"

namespace hg::sim {

void SimDisk::write() {
  for (const core::Change& change : *unsynced_) std::visit(fakes::RememberedRows{durable_}, change);
  unsynced_.reset();
}

bool SimDisk::finish() {
  if (is_full) return false;
  write();
  return true;
}

void SimDisk::cut_power(bool is_kept) {
  if (unsynced_ && is_kept && !is_full) write();
  unsynced_.reset();
}

}  // namespace hg::sim
