// SPDX-License-Identifier: Apache-2.0
// Holds the shutdown lock while an update is past ACTIVATE and has not come to rest: a gateway that goes away then
// leaves its children in tests that nobody confirms, or in a group of two versions. A Watcher; service/gateway makes
// it.
#pragma once

#include <set>

#include "ports/shutdown_lock.hpp"
#include "ports/watcher.hpp"

namespace hg::service {

class ShutdownGuard final : public ports::Watcher {
 public:
  explicit ShutdownGuard(ports::ShutdownLock& lock) : lock_(lock) {}

  void changed(const core::State& state, std::span<const core::Change> changes,
               std::span<const core::ChildId> touched) override;
  void progressed(const core::ChildId&, core::Epoch, std::uint64_t, std::uint64_t) override {}
  void troubled(const std::string&) override {}

 private:
  void look_at(const core::State& state, const core::ChildId& id);

  ports::ShutdownLock& lock_;
  std::set<core::ChildId> under_way_;  // each is looked at when it changes, and at its enrollment after a start
};

}  // namespace hg::service
