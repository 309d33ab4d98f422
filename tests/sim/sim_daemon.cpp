// SPDX-License-Identifier: Apache-2.0
#include "sim/sim_daemon.hpp"

#include <algorithm>
#include <utility>

namespace hg::sim {

namespace {

constexpr std::size_t kMaxBatch = 16;  // of the driver's 256: more places to die in
constexpr Duration kRetry = std::chrono::seconds{1};

}  // namespace

std::unique_ptr<Daemon> make_bare_engine(const Surroundings& surroundings) {
  return std::make_unique<SimDaemon>(surroundings);
}

void SimDaemon::start(const Population& people) {
  ++life_;
  state_ = disk_.durable();
  history_.add(time_.elapsed(), "daemon", "starts");
  core::Output out = core::resume(state_, time_.wall());
  invariants_.resumed(state_);
  for (core::Action& action : out.actions) begin(std::move(action));
  post(core::LayoutsSaid{people.layouts});
  for (core::Enrollment child : people.enrollments) {
    const bool has_keys = people.with_keys.contains(child.id);
    if (has_keys) child.protection = {core::Protection::rewrapped, false, false, 2};
    post(core::ChildEnrolled{child});
    if (!has_keys || (state_.children.contains(child.id) && !state_.children.at(child.id).keys.empty())) continue;
    for (const core::KeyUse use : {core::KeyUse::wrap, core::KeyUse::identify})
      post(core::ChildKeySet{child.id, key_of(child.id, use, 0)});
  }
  for (const core::Group& group : people.groups) post(core::GroupFormed{group});
  for (const core::Enrollment& child : people.enrollments)
    if (link_.is_up(child.id)) post(core::LinkChanged{child.id, true, {}});
}

void SimDaemon::die() {
  history_.add(time_.elapsed(), "daemon", disk_.is_committing() ? "dies in a commit" : "dies");
  disk_.cut_power(random_.is_lucky(500));
  link_.lose_daemon(random_.is_lucky(500));
  ++life_;  // answers to the dead are lost
  queue_.clear();
  actions_.clear();
  touched_.clear();
  is_in_batch_ = false;
}

void SimDaemon::post(core::Event event) {
  queue_.push_back(std::move(event));
  if (!is_in_batch_) take_batch();
}

void SimDaemon::answered(const Job& job, core::StepAnswer&& answer) {
  if (job.life != life_) return;
  post(core::StepEnded{job.child, job.number, std::move(answer)});
}

void SimDaemon::take_batch() {
  is_in_batch_ = true;
  std::vector<core::Change> changes;
  for (std::size_t taken = 0; taken < kMaxBatch && !queue_.empty(); ++taken) {
    const core::Event event = std::move(queue_.front());
    queue_.pop_front();
    ++events_;
    invariants_.before(state_, event);
    core::Output out = core::apply(state_, event, time_.wall());
    invariants_.after(state_, event, out, time_);
    for (const core::ChildId& child : invariants_.touched()) touched_.insert(child);
    std::ranges::move(out.changes, std::back_inserter(changes));
    for (core::Action& action : out.actions) actions_.insert_or_assign(action.child, std::move(action));
  }
  if (changes.empty()) return finish();
  disk_.begin(std::move(changes));
  time_.after(Duration{1} + random_.between(Duration{0}, Duration{20}), [this, life = life_] { try_to_finish(life); });
}

void SimDaemon::try_to_finish(std::uint64_t life) {
  if (life != life_) return;
  if (disk_.finish()) return finish();
  time_.after(kRetry, [this, life] { try_to_finish(life); });
}

void SimDaemon::finish() {
  invariants_.committed(state_, disk_.durable(), touched_, time_);
  touched_.clear();
  for (auto& [child, action] : std::exchange(actions_, {})) begin(std::move(action));
  is_in_batch_ = false;
  if (!queue_.empty()) take_batch();
}

void SimDaemon::begin(core::Action action) {
  link_.give_up(action.child);
  if (std::holds_alternative<core::Idle>(action.step)) return;
  if (const auto* wait = std::get_if<core::Wait>(&action.step)) {
    const Duration pause = std::max(wait->at - time_.wall(), Duration{0});
    time_.after(pause, [this, life = life_, child = action.child, number = action.number] {
      if (life == life_) post(core::TimePassed{child, number});
    });
    return;
  }
  history_.add(time_.elapsed(), action.child, core::name_of(action.step));
  invariants_.started(action, state_, disk_.durable(), link_.has_order(action.child), time_);
  link_.ask({life_, action.child, action.number, std::move(action.step)});
}

}  // namespace hg::sim
