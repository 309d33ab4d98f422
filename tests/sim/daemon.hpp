// SPDX-License-Identifier: Apache-2.0
// The daemon of a fleet, whichever it is: floor 1 has the bare engine (SimDaemon), floor 2 the whole service
// (service/service_daemon). What happens to it, and what people ask of it, is the same.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/engine.hpp"
#include "sim/faults.hpp"
#include "sim/history.hpp"
#include "sim/invariants.hpp"
#include "sim/population.hpp"
#include "sim/random.hpp"
#include "sim/sim_disk.hpp"
#include "sim/sim_link.hpp"
#include "sim/timeline.hpp"

namespace hg::sim {

/// All outlive it.
struct Surroundings {
  Timeline& time;
  Random& random;
  History& history;
  const Faults& faults;
  SimDisk& disk;
  SimLink& link;
  Invariants& invariants;
};

class Daemon {
 public:
  virtual ~Daemon() = default;

  /// Begins a life with what the disk holds, and with what the configuration says.
  virtual void start(const Population& people) = 0;
  /// The power goes, or somebody kills it.
  virtual void die() = 0;
  /// It will be killed, by `kill`: now, or at a place that is worse.
  virtual void strike(const std::function<void()>& kill) { kill(); }

  /// What lines do and what people and the cloud ask, while it lives.
  virtual void post(core::Event event) = 0;
  /// What the plugin says of a step; that of an earlier life is not heard.
  virtual void answered(const Job& job, core::StepAnswer&& answer) = 0;

  [[nodiscard]] virtual const core::State& state() const = 0;
  /// What people have asked for and it has not taken yet; empty: nothing.
  [[nodiscard]] virtual std::string waiting() const { return {}; }
  /// Whether children may have keys, and images of which it holds the content key.
  [[nodiscard]] virtual bool holds_keys() const { return false; }
  /// How much it has taken in.
  [[nodiscard]] virtual std::uint64_t events() const = 0;
};

using DaemonMaker = std::function<std::unique_ptr<Daemon>(const Surroundings& surroundings)>;

}  // namespace hg::sim
