// SPDX-License-Identifier: Apache-2.0
// What holds for a group whatever happens in whatever order: random walks over three members that do what they are
// told, with lost orders and answers, links that go, power cuts, restarts of the daemon and an operator who aborts.
// Asked after each event; and when the faults stop, that all come to rest.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/table_group.hpp"

namespace hg::core::table {
namespace {

struct Seen {
  RolloutId rollout = 0;
  Decision decision = Decision::none;
  Phase phase = Phase::preflight;
};

/// Whether a decision may follow another one.
bool may_follow(const Seen& before, const Seen& after) {
  if (before.decision == after.decision) return true;
  switch (after.decision) {
    case Decision::none:
      return before.decision == Decision::back && before.phase == Phase::reverted;  // the next attempt
    case Decision::activate:
      return before.decision == Decision::none;
    case Decision::pivot:
      return before.decision == Decision::activate;
    case Decision::commit:
    case Decision::back:
      return before.decision == Decision::activate || before.decision == Decision::pivot;
  }
  return false;
}

class GroupWalk {
 public:
  explicit GroupWalk(std::uint32_t seed) : chance_(seed), bench_(draw_order(), draw_classes()) {
    if (dice(3) == 0) bench_.flash.at(any()).refuses_new = true;
    if (dice(4) == 0) bench_.child(any()).enrollment.patience.health = std::chrono::minutes{dice(90)};
    for (const ChildId& id : kMembers) bench_.child(id).committed = kGoesBack;  // what they run is held here
    bench_.link_all();
    bench_.run();
    bench_.watch = [this] { look(); };
  }

  void begin() {
    for (const ChildId& id : kMembers) before_[id] = bench_.flash.at(id).runs;
    const bool is_at_rest =
        std::ranges::all_of(kMembers, [&](const ChildId& id) { return bench_.flash.at(id).rests_on(before_.at(id)); });
    ASSERT_TRUE(is_at_rest);
    const DeliverableId brought = dice(2) == 0 ? kDeliverable : kGoesBack;
    ASSERT_FALSE(bench_.post(RolloutRequested{brought, {}, 1000, false, {kHeater}, true}).refusal);
    goal_ = brought == kDeliverable ? kNew : kOld;
  }

  /// Anything.
  void live() {
    const ChildId id = any();
    Flash& flash = bench_.flash.at(id);
    const std::uint32_t lot = dice(100);
    ++lots;
    if (lot < 50) return go_on();
    if (lot < 56) return pass_time();
    if (lot < 66) return lose(id, lot);
    if (lot < 70) return bench_.link(id, false);
    if (lot < 78) return bench_.link(id, true);
    if (lot < 82) return flash.boot();
    if (lot < 84) return bench_.restart();
    if (lot == 84 && dice(4) == 0 && bench_.child(id).update) return void(bench_.abort(id));
    if (lot == 85 && bench_.step(id) == "offer")
      return void(bench_.answer(id, OfferAnswer{Willing::later, bench_.now + std::chrono::minutes{dice(9)}, ""}));
    if (lot == 86) return void(bench_.post(StepEnded{id, bench_.child(id).step_number - 1, flash.says()}));
    if (lot == 87 && dice(3) == 0) return enroll_elsewhere(id);
    if (lot < 90) bench_.now += std::chrono::seconds{dice(100)};
    return go_on();
  }

  /// No fault any more: what was begun comes to rest.
  void calm_down() {
    bench_.link_all();
    const auto rests = [&] {
      return all([](const Update& u) { return is_over(u); }) ||
             (refuser() && all([](const Update& u) { return waits_for_time(u); }));
    };
    ASSERT_TRUE(bench_.run_on(rests, 400)) << "for ever " << bench_.phases() << " / " << bench_.steps();
    bench_.run();
    if (bench_.phases().find("split") != std::string::npos) {
      has_split = true;
      return;
    }
    compare();
    if (!all([](const Update& u) { return is_over(u); })) bench_.abort(kHub);
  }

  bool has_split = false;
  std::map<Decision, unsigned> decided;
  unsigned lots = 0;
  unsigned ended_new = 0;
  unsigned ended_old = 0;

 private:
  std::uint32_t dice(std::uint32_t sides) { return static_cast<std::uint32_t>(chance_()) % sides; }
  ChildId any() { return kMembers[dice(3)]; }
  bool refuser() const {
    return std::ranges::any_of(bench_.flash, [](const auto& entry) { return entry.second.refuses_new; });
  }
  bool all(auto holds) {
    return std::ranges::all_of(kMembers, [&](const ChildId& id) { return holds(bench_.update(id)); });
  }

  std::array<unsigned, 3> draw_order() { return {dice(3), dice(3), dice(3)}; }
  std::map<ChildId, RevertClass> draw_classes() {
    std::map<ChildId, RevertClass> classes;
    for (const ChildId& id : kMembers)
      classes[id] = dice(3) == 0 ? RevertClass::swap_back : RevertClass::self_reverting;
    const std::uint32_t lot = dice(6);
    if (lot == 0) classes[any()] = RevertClass::irrevocable;
    if (lot == 1) classes[any()] = RevertClass::unstageable;
    if (lot == 2 || lot == 3) classes[any()] = classes[any()] = RevertClass::reinstall;
    if (lot == 4) classes[any()] = classes[any()] = RevertClass::irrevocable;  // the rollout is forced
    return classes;
  }

  void enroll_elsewhere(const ChildId& id) {
    Enrollment e = bench_.child(id).enrollment;
    e.address += "x";
    bench_.post(ChildEnrolled{e});
  }

  void go_on() {
    for (const std::uint32_t first = dice(3); const std::uint32_t i : {0U, 1U, 2U}) {
      const ChildId& id = kMembers[(first + i) % 3];
      if (bench_.has_work(id)) return bench_.obey(id);
    }
    pass_time();
  }

  void pass_time() {
    bench_.pass_time();
    for (const ChildId& id : kMembers) {
      const Wait* wait = std::get_if<Wait>(&bench_.child(id).step);
      ASSERT_TRUE(wait == nullptr || wait->at > bench_.now) << id << " waits for what has passed";
    }
  }

  /// An order is lost, or half of it, or the answer to it.
  void lose(const ChildId& id, std::uint32_t lot) {
    if (!bench_.has_work(id)) return;
    const auto* order = std::get_if<Activate>(&bench_.child(id).step);
    if (lot % 3 == 0) bench_.carry_out(id);
    if (lot % 3 == 1 && order != nullptr && bench_.flash.at(id).runs == order->moves.at(0).active)
      bench_.flash.at(id).mark(order->moves.at(0).goal);
    bench_.fails(id, lot % 2 == 0 ? Errc::timed_out : Errc::unavailable);
  }

  // --------------------------------------------------------------------------------------- what always holds

  void look() {
    for (const ChildId& id : kMembers) {
      if (!bench_.child(id).update) return;
      const Update& u = bench_.update(id);
      const Seen after{u.rollout, u.decision, u.phase};
      const Seen before = std::exchange(last_[id], after);
      if (before.rollout == after.rollout) {
        ASSERT_TRUE(may_follow(before, after)) << id << ": " << name_of(before.decision) << " in "
                                               << name_of(before.phase) << ", then " << name_of(after.decision);
        if (before.decision != after.decision) ++decided[after.decision];
      }
      look_at_step(id);
      if (u.phase == Phase::split) look_at_split(id);
      if (u.phase == Phase::confirmed && before.phase != Phase::confirmed) {
        ASSERT_TRUE(bench_.flash.at(id).rests_on(goal_)) << id;
      }
    }
    const bool is_one = all([&](const Update& u) { return u.rollout == bench_.update(kHub).rollout; });
    if (is_one) {
      ASSERT_TRUE(all([&](const Update& u) { return u.decision == bench_.decision(); })) << bench_.decisions();
    }
    if (is_one && all([](const Update& u) { return u.phase == Phase::confirmed; })) {
      ASSERT_EQ(bench_.state.groups.at(kHeater).committed, bench_.update(kHub).deliverable);
    }
  }

  void look_at_step(const ChildId& id) {
    const Update& u = bench_.update(id);
    const std::string step = bench_.step(id);
    const bool is_past = u.decision != Decision::none;
    if (step == "activate") {
      ASSERT_TRUE(is_past && u.decision != Decision::back) << id << " under " << name_of(u.decision);
      ASSERT_TRUE(u.decision != Decision::activate || !is_touched_last(u)) << id << ": it is touched before PIVOT";
      ASSERT_TRUE(u.decision != Decision::pivot || u.pivot) << id << ": another one is touched after PIVOT";
    }
    if (step == "confirm") {
      ASSERT_EQ(u.decision, Decision::commit) << id;
    }
    if (step == "revert" && is_past) {
      ASSERT_EQ(u.decision, Decision::back) << id;
    }
    if (step == "deliver" && is_past) {
      const bool is_reinstalled =
          u.decision == Decision::back && revert_class_of(bench_.child(id)) == RevertClass::reinstall;
      ASSERT_TRUE(is_reinstalled || (u.pivot && u.decision == Decision::pivot)) << id;
    }
  }

  /// Only one that refuses, the pivot that is silent, and one that an operator gave up.
  void look_at_split(const ChildId& id) {
    const Update& u = bench_.update(id);
    const bool is_silent_pivot = u.decision == Decision::pivot && u.pivot;
    ASSERT_TRUE(bench_.flash.at(id).refuses_new || is_silent_pivot || u.cause.reason == Reason::aborted)
        << id << ": " << name_of(u.decision) << ", " << u.cause.text;
  }

  /// At rest, and nobody is split: all new, or all as before.
  void compare() {
    const bool is_new = all([](const Update& u) { return u.phase == Phase::confirmed; });
    for (const ChildId& id : kMembers) {
      const Flash& flash = bench_.flash.at(id);
      ASSERT_TRUE(flash.rests_on(is_new ? goal_ : before_.at(id)))
          << id << " of " << bench_.phases() << ": " << bench_.truth();
    }
    ++(is_new ? ended_new : ended_old);
  }

  std::mt19937 chance_;
  GroupBench bench_;
  std::map<ChildId, Seen> last_;
  std::map<ChildId, Digest> before_;
  Digest goal_;
};

TEST(GroupWalk, AllNewOrAllAsBeforeWhateverHappens) {
  std::map<Decision, unsigned> decided;
  unsigned ended_new = 0;
  unsigned ended_old = 0;
  unsigned splits = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    GroupWalk walk(seed);
    for (int transaction = 0; transaction < 12 && !walk.has_split; ++transaction) {
      walk.begin();
      for (int i = 0; i < 150 && !testing::Test::HasFatalFailure(); ++i) walk.live();
      if (testing::Test::HasFatalFailure()) return;
      walk.calm_down();
      if (testing::Test::HasFatalFailure()) return;
    }
    for (const auto& [decision, times] : walk.decided) decided[decision] += times;
    ended_new += walk.ended_new;
    ended_old += walk.ended_old;
    splits += walk.has_split ? 1 : 0;
  }
  EXPECT_GT(ended_new, 100U) << "the walk hardly ever came to the end: it proves nothing";
  EXPECT_GT(ended_old, 50U);
  EXPECT_GT(decided[Decision::pivot], 30U);
  EXPECT_GT(decided[Decision::commit], 100U);
  EXPECT_GT(decided[Decision::back], 100U);
  EXPECT_LT(splits, 30U);
}

}  // namespace
}  // namespace hg::core::table
