// SPDX-License-Identifier: Apache-2.0
// The plugin and the lines to its children. One order after the other for each child: what was begun is finished or
// fails, also when the daemon has given it up or is dead, and only then the next is looked at; so an Inspect is
// answered when nothing earlier can take effect any more. Each order's guard is held against the child when it is
// carried out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/engine.hpp"
#include "sim/faults.hpp"
#include "sim/history.hpp"
#include "sim/per_child.hpp"
#include "sim/random.hpp"
#include "sim/sim_child.hpp"
#include "sim/timeline.hpp"

namespace hg::sim {

using Children = PerChild<SimChild>;

/// What a daemon has asked for. `life` tells which.
struct Job {
  std::uint64_t life = 0;
  core::ChildId child;
  core::StepNumber number = 0;
  core::Step step;
};

bool is_order(const core::Step& step);

class SimLink {
 public:
  using Answered = std::function<void(const Job& job, core::StepAnswer&& answer)>;

  SimLink(Timeline& time, Random& random, History& history, const Faults& faults, Children& children, Answered answered)
      : windows(children.size()),
        time_(time),
        random_(random),
        history_(history),
        faults_(faults),
        children_(children),
        answered_(answered),
        lines_(children.size()) {}

  /// Anything but Wait and Idle.
  void ask(Job job);
  /// What of it was not begun is forgotten; what was begun is finished, and answered in vain.
  void give_up(const core::ChildId& child);
  /// The daemon is dead. What it had asked for and was not begun is carried out all the same, or not.
  void lose_daemon(bool is_queue_dropped);

  void set_up(const core::ChildId& child, bool is_up) { lines_[child].is_up = is_up; }
  [[nodiscard]] bool is_up(const core::ChildId& child) { return lines_[child].is_up; }
  /// Whether an order for it can still take effect.
  [[nodiscard]] bool has_order(const core::ChildId& child);

  /// A start of any kind: it takes a time, and its test begins to run out.
  void reset(const core::ChildId& child);
  /// How long each takes an unconfirmed image back after; zero: never.
  PerChild<Duration> windows;

 private:
  struct Line {
    std::vector<Job> queue;  // the first is being carried out if `is_busy`
    bool is_busy = false;
    bool is_up = true;

    [[nodiscard]] const Job& begun() const { return queue.front(); }
    void forget_queued() { queue.resize(is_busy ? 1 : 0); }
  };

  void begin_next(Line& line);
  void carry_out(Line& line);
  void prepare(Line& line, const core::Prepare& order);
  void deliver(Line& line, const core::Deliver& step);
  void end_delivery(Line& line, std::uint64_t starts);
  void order(Line& line);
  void start_anew(Line& line);
  void answer(Line& line, core::StepAnswer what);
  void answer_when_up(Line& line, Duration patience);
  void stay_silent(Line& line, Duration pause);
  void watch_start(const core::ChildId& id);
  core::StepAnswer inspection_or_silence(const Line& line);
  SimChild& child_at(const Line& line) { return children_.at(line.begun().child); }

  Timeline& time_;
  Random& random_;
  History& history_;
  const Faults& faults_;
  Children& children_;
  Answered answered_;
  PerChild<Line> lines_;
};

}  // namespace hg::sim
