// SPDX-License-Identifier: Apache-2.0
// The daemon as service/driver and service/deliver are: it takes the queued events, commits all their changes at once,
// and only then starts what follows. It may die at any moment; what its disk holds is what the next one begins with.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "sim/daemon.hpp"

namespace hg::sim {

class SimDaemon final : public Daemon {
 public:
  explicit SimDaemon(const Surroundings& in)
      : time_(in.time),
        random_(in.random),
        history_(in.history),
        disk_(in.disk),
        link_(in.link),
        invariants_(in.invariants) {}

  void start(const Population& people) override;
  void die() override;
  void post(core::Event event) override;
  void answered(const Job& job, core::StepAnswer&& answer) override;
  [[nodiscard]] const core::State& state() const override { return state_; }
  [[nodiscard]] bool holds_keys() const override { return true; }
  [[nodiscard]] std::uint64_t events() const override { return events_; }

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

std::unique_ptr<Daemon> make_bare_engine(const Surroundings& surroundings);

}  // namespace hg::sim
