// SPDX-License-Identifier: Apache-2.0
// Somebody who shows the state to others: told after each commit what changed, and of the progress of transfers in
// between. Must not block and must not call back into the driver. adapters/dbus is one; the journal's reporter another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/engine.hpp"

namespace hg::ports {

class Watcher {
 public:
  virtual ~Watcher() = default;

  /// After a commit: the state as it is now, what was written, and whose links changed.
  virtual void changed(const core::State& state, std::span<const core::Change> changes,
                       std::span<const core::ChildId> touched) = 0;

  virtual void progressed(const core::ChildId& child, core::Epoch epoch, std::uint64_t done, std::uint64_t total) = 0;

  /// What the whole gateway is doing, e.g. "storage full: waiting"; empty: nothing to complain of.
  virtual void troubled(const std::string& text) = 0;
};

}  // namespace hg::ports
