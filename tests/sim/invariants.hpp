// SPDX-License-Identifier: Apache-2.0
// What must hold after each step, whatever goes wrong: of the decisions, of what is durable, of the orders that are
// given, of what the children truly run, and, once the faults have stopped, of how all comes to its end.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/engine.hpp"
#include "sim/history.hpp"
#include "sim/sim_link.hpp"
#include "sim/timeline.hpp"

namespace hg::sim {

class Invariants {
 public:
  Invariants(History& history, const Children& children)
      : history_(history), children_(children), past_(children.size()) {}

  /// A daemon begins anew: what was not durable never was.
  void resumed(const core::State& state);
  /// Around an apply().
  void before(const core::State& state, const core::Event& event);
  void after(const core::State& state, const core::Event& event, const core::Output& out, const Timeline& time);
  /// The same where only what a commit of several events brought can be seen: an inspection when it is answered, and
  /// the batch when it is durable. `is_in_batch`: another batch has been taken already, and is being written down.
  void inspected(const core::ChildId& child, bool is_in_batch) { past_[child].inspected_at = event_ + 1 + is_in_batch; }
  void observed(const core::State& was, const core::State& state, std::span<const core::Change> changes,
                const Timeline& time);
  /// The children that it can have changed.
  [[nodiscard]] const std::set<core::ChildId>& touched() const { return touched_; }
  /// Around a commit, and a step that is started after it.
  void committed(const core::State& state, const core::State& durable, const std::set<core::ChildId>& touched,
                 const Timeline& time);
  void started(const core::Action& action, const core::State& state, const core::State& durable, bool has_order,
               const Timeline& time);
  /// Without faults all comes to its end; empty: it has. Else who has not, and where he stands.
  [[nodiscard]] std::string waiting(const core::State& state) const;
  /// What rests may not be mixed.
  void at_end(const core::State& state, const Timeline& time);
  /// Where nothing went wrong.
  void all_confirmed(const core::State& state);

  /// How often what came about, by the names of phases and decisions.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

 private:
  /// What is remembered of a child from one step to the next.
  struct Past {
    core::Epoch epoch = 0;
    core::Phase phase = core::Phase::preflight;
    core::Decision decision = core::Decision::none;
    bool knows_way_back = false;
    core::Floors floors;
    std::uint64_t staged_at = 0;  // counted in events
    std::uint64_t inspected_at = 0;
    std::uint64_t testing_at = 0;
  };
  using Members = std::vector<const core::Child*>;

  void wrong(const std::string& who, const std::string& what) { history_.wrong(now_, who, what); }
  void tell(std::span<const core::Change> changes);
  void note_split(const core::State& state);
  void look(const core::State& state, bool may_begin_rollouts);
  void check_child(const core::State& state, const core::Child& child);
  void check_decision(const Past& was, const core::Child& child);
  void check_end(const Past& was, const core::Child& child);
  void check_group(const core::State& state, const core::Child& child);
  void check_activate(const core::Child& child, const Members& members);
  void check_pivot_or_commit(const core::Child& child, const Members& members);
  void check_back_after_pivot(const Members& members);
  void check_rest(const Members& members, const std::string& group);
  void check_protection(const core::Action& action, const core::State& state, const core::Child& child);
  void check_order(const core::Action& action, const core::State& state, const core::Child& child,
                   const core::Child& durable);
  void check_ranks(const core::State& state, const core::Child& child);
  void check_bounds(const core::State& state);
  void touch(const core::State& state, const core::ChildId& id);
  void remember(const core::Child& child);
  Members members_of(const core::State& state, const core::Child& child) const;
  bool is_dead(const core::Child& child) const { return children_.at(child.enrollment.id).is_dead; }
  std::string waiting_group(const core::State& state, const core::Group& group) const;

  History& history_;
  const Children& children_;
  PerChild<Past> past_;
  std::set<core::ChildId> touched_;
  core::Floors floors_;
  std::set<core::ChildId> was_split_;  // members of groups that were
  std::uint64_t event_ = 0;
  Duration now_{0};
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace hg::sim
