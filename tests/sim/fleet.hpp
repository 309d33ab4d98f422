// SPDX-License-Identifier: Apache-2.0
// A gateway with its children, by a seed: rollouts are asked for and faults strike until they stop; then all must come
// to its end.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sim/daemon.hpp"
#include "sim/faults.hpp"
#include "sim/history.hpp"
#include "sim/invariants.hpp"
#include "sim/population.hpp"
#include "sim/sim_daemon.hpp"
#include "sim/sim_disk.hpp"
#include "sim/sim_link.hpp"

namespace hg::sim {

class Fleet {
 public:
  Fleet(std::size_t children, std::uint64_t seed, const Faults& faults, bool is_shown,
        const DaemonMaker& daemon = make_bare_engine);

  /// All of it, from the first start to the end of the last update, or up to the first violation.
  void run();

  [[nodiscard]] const History& history() const { return history_; }
  [[nodiscard]] std::uint64_t events() const { return daemon_->events(); }
  [[nodiscard]] const std::map<std::string, std::uint64_t>& counts() const { return invariants_.counts(); }
  [[nodiscard]] Duration elapsed() const { return time_.elapsed(); }

 private:
  friend class Operator;
  friend class Weather;

  void start_daemon();
  void heal();

  Faults faults_;
  Random random_;
  Timeline time_;
  History history_;
  Population people_;
  SimDisk disk_;
  Invariants invariants_;
  SimLink link_;
  std::unique_ptr<Daemon> daemon_;
  bool is_running_ = false;
  bool is_healed_ = false;
};

}  // namespace hg::sim
