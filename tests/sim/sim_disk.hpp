// SPDX-License-Identifier: Apache-2.0
// The catalogue on a disk: what of State a power cut leaves. A commit is durable only when it has returned; while the
// disk is full none does.
#pragma once

#include <optional>
#include <vector>

#include "core/engine.hpp"

namespace hg::sim {

class SimDisk {
 public:
  [[nodiscard]] const core::State& durable() const { return durable_; }

  /// Handed over, and not durable yet.
  void begin(std::vector<core::Change> changes) { unsynced_ = std::move(changes); }
  /// False: there is no room; the same changes wait.
  bool finish();
  /// The power goes: what was under way is lost, or had just become durable.
  void cut_power(bool is_kept);
  [[nodiscard]] bool is_committing() const { return unsynced_.has_value(); }

  bool is_full = false;

 private:
  void write();

  core::State durable_;
  std::optional<std::vector<core::Change>> unsynced_;
};

}  // namespace hg::sim
