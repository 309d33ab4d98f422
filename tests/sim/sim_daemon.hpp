// SPDX-License-Identifier: Apache-2.0
// The daemon as service/driver and service/deliver are: it takes the queued events, commits all their changes at once,
// and only then starts what follows. It may die at any moment; what its disk holds is what the next one begins with.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "core/engine.hpp"
#include "sim/invariants.hpp"
#include "sim/sim_disk.hpp"
#include "sim/sim_link.hpp"
#include "sim/timeline.hpp"

namespace hg::sim {

class SimDaemon {
 public:
  SimDaemon(Timeline& time, Random& random, History& history, SimDisk& disk, SimLink& link, Invariants& invariants)
      : time_(time), random_(random), history_(history), disk_(disk), link_(link), invariants_(invariants) {}

  /// Begins a life with what the disk holds.
  void start();
  /// The power goes, or somebody kills it.
  void die();

  void post(core::Event event);
  void answered(const Job& job, core::StepAnswer answer);

  [[nodiscard]] const core::State& state() const { return state_; }
  [[nodiscard]] std::uint64_t life() const { return life_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }

 private:
  void take_batch();
  void try_to_finish(std::uint64_t life);
  void finish();
  void begin(core::Action action);

  Timeline& time_;
  Random& random_;
  History& history_;
  SimDisk& disk_;
  SimLink& link_;
  Invariants& invariants_;

  core::State state_;
  std::deque<core::Event> queue_;
  std::map<core::ChildId, core::Action> actions_;
  std::set<core::ChildId> touched_;
  bool is_in_batch_ = false;
  std::uint64_t life_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace hg::sim
