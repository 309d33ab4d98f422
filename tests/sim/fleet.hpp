// SPDX-License-Identifier: Apache-2.0
// A gateway with its children, by a seed: rollouts are asked for and faults strike until they stop; then all must come
// to its end.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
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

class Operator;
class Weather;

class Fleet {
 public:
  Fleet(std::size_t children, std::uint64_t seed, const Faults& faults, bool is_shown,
        const DaemonMaker& daemon = make_bare_engine);
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;
  ~Fleet();

  /// All of it, from the first start to the end of the last update, or up to the first violation.
  void run();

  // The same in pieces, for fleets that live side by side.
  void begin();
  void advance(Duration to);  ///< while faults strike
  void end();                 ///< they stop, and all comes to its end

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
  std::unique_ptr<Weather> weather_;
  std::unique_ptr<Operator> operator_;
  bool is_running_ = false;
  bool is_healed_ = false;
};

}  // namespace hg::sim
