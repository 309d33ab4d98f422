// SPDX-License-Identifier: Apache-2.0
// What a cold reader asked of forced groups, of children that are brought back by a transfer, and of groups that are
// formed under way.
#include <gtest/gtest.h>

#include "core/bounds.hpp"
#include "core/table_group.hpp"

namespace hg::core::table {
namespace {

/// The pump and the valve stay as they are once they are new: the pump is the pivot, the valve is forced along.
GroupBench forced() {
  GroupBench bench(kInOrder, {{kPump, RevertClass::irrevocable}, {kValve, RevertClass::irrevocable}});
  bench.link_all();
  bench.run();
  bench.post(RolloutRequested{kDeliverable, {}, 1000, false, {kHeater}, true});
  bench.run([&] { return bench.decision() == Decision::pivot; });
  return bench;
}

GroupBench forced_and_committed() {
  GroupBench bench = forced();
  bench.run([&] { return bench.decision() == Decision::commit; });
  return bench;
}

Enrollment elsewhere(const ChildId& id) {
  Enrollment e = member_enrollment(id);
  e.address = "somewhere else";
  return e;
}

TEST(ForcedAlong, EnrolledOtherwiseTakesNoCommitBack) {
  GroupBench bench = forced_and_committed();
  ASSERT_EQ(bench.phase(kValve), "staged");
  bench.post(ChildEnrolled{elsewhere(kValve)});
  EXPECT_EQ(bench.decisions(), "commit");
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
  EXPECT_EQ(bench.truth(), "new");
}

TEST(ForcedAlong, EnrolledOtherwiseInPivotHoldsOn) {
  GroupBench bench = forced();
  bench.post(ChildEnrolled{elsewhere(kValve)});
  EXPECT_EQ(bench.decisions(), "pivot");
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
}

TEST(ForcedAlong, HoldingStillItIsLookedAtFromTimeToTime) {
  GroupBench bench = forced();
  bench.link(kPump, false);
  ASSERT_TRUE(bench.run_on([&] { return bench.phase(kPump) == "split"; }));
  for (int hour = 0; hour < 5; ++hour) {
    const Wait* wait = std::get_if<Wait>(&bench.child(kValve).step);
    ASSERT_NE(wait, nullptr);
    EXPECT_GT(wait->at, bench.now) << "it would be over at once, for ever";
    bench.pass_time();
    bench.run();
  }
}

TEST(ForcedAlong, AListThatDoesNotTellWhatRunsIsAskedForAgain) {
  GroupBench bench = forced_and_committed();
  Inspection untold = with({slot(1, kNew, "")});
  untold.revert_class = RevertClass::irrevocable;
  ASSERT_EQ(bench.step(kValve), "inspect");
  bench.says(kValve, untold);
  EXPECT_EQ(bench.phase(kValve), "staged");
  EXPECT_EQ(bench.step(kValve), "wait");
  untold.slots.clear();
  untold.slots.push_back(slot(1, kOld, ""));
  bench.run_on([&] { return bench.step(kValve) == "inspect"; });
  bench.says(kValve, untold);
  EXPECT_NE(bench.phase(kValve), "split");
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
}

TEST(ForcedAlong, ThatHasLostItsImageIsSplitForAReason) {
  GroupBench bench = forced_and_committed();
  bench.flash.at(kValve).other = {};
  ASSERT_TRUE(bench.run_on([&] { return bench.phase(kValve) == "split"; }));
  EXPECT_NE(bench.reason(kValve), Reason::none);
  EXPECT_FALSE(bench.update(kValve).cause.text.empty());
}

TEST(ForcedAlong, ThatIsGivenUpIsSettledByTheOperator) {
  for (const Resolution how : {Resolution::drop, Resolution::accept}) {
    GroupBench bench = forced_and_committed();
    bench.link(kValve, false);
    bench.run();
    ASSERT_EQ(bench.phases(), "confirmed confirmed staged");
    ASSERT_FALSE(bench.abort(kValve).refusal);
    EXPECT_EQ(bench.phase(kValve), "split");
    ASSERT_FALSE(bench.resolve(kValve, how).refusal);
    EXPECT_EQ(bench.state.groups.at(kHeater).committed, kDeliverable);
    EXPECT_EQ(bench.decisions(), "commit");
  }
}

TEST(ForcedAlong, ThatConfirmsItselfEarlyIsSplitInBack) {
  GroupBench bench = forced();
  bench.flash.at(kValve).activate(kNew);
  bench.flash.at(kPump).refuses_new = true;
  ASSERT_TRUE(bench.run_on([&] { return bench.phase(kValve) == "split"; }));
  bench.run_on([&] { return bench.phases() == "reverted reverted split"; });
  EXPECT_EQ(bench.phases(), "reverted reverted split");
}

TEST(ForcedAlong, ThatIsNewBeforeCommitIsConfirmedByIt) {
  GroupBench bench = forced();
  bench.flash.at(kValve).activate(kNew);
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
}

TEST(ForcedAlong, InRecoveryHoldsStillAndIsBroughtUpAfterCommit) {
  GroupBench bench = forced();
  Inspection recovery = with({});
  recovery.staging = Staging::in_place;
  bench.link(kValve, true);
  ASSERT_EQ(bench.step(kValve), "inspect");
  bench.says(kValve, recovery);
  EXPECT_EQ(bench.phase(kValve), "staged");
  EXPECT_EQ(bench.decisions(), "pivot");
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
}

/// Each member's decision is stored and comes back; all are asked before anything, wherever the daemon was killed.
TEST(ForcedAlong, ARestartAnywhereEndsAllNew) {
  for (int steps = 0; steps < 60; ++steps) {
    GroupBench bench(kInOrder, {{kPump, RevertClass::irrevocable}, {kValve, RevertClass::irrevocable}});
    bench.link_all();
    bench.run();
    bench.post(RolloutRequested{kDeliverable, {}, 1000, false, {kHeater}, true});
    int count = 0;
    bench.run([&] { return count++ == steps; });
    bench.restart();
    bench.link_all();
    ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; })) << steps << " " << bench.phases();
    EXPECT_EQ(bench.truth(), "new") << steps;
  }
}

// -------------------------------------------------------------------------------------------------- by a transfer

GroupBench in_back() {
  GroupBench bench(kInOrder, {{kHub, RevertClass::reinstall}, {kPump, RevertClass::reinstall}});
  for (const ChildId& id : kMembers) bench.child(id).committed = kGoesBack;
  bench.link_all();
  bench.run();
  bench.start();
  bench.flash.at(kValve).refuses_new = true;
  bench.run([&] { return bench.decision() == Decision::back && bench.step(kPump) == "deliver"; });
  return bench;
}

TEST(BackByTransfer, EnrolledOtherwiseInTheMidstGoesOnBack) {
  GroupBench bench = in_back();
  bench.post(ChildEnrolled{elsewhere(kPump)});
  EXPECT_EQ(bench.step(kPump), "inspect");
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "reverted"; }));
  EXPECT_EQ(bench.truth(), "old");
}

TEST(BackByTransfer, AClassThatFlipsIsSplitAndTheOperatorHasItTriedAgain) {
  GroupBench bench = in_back();
  bench.flash.at(kPump).revert_class = RevertClass::irrevocable;
  bench.fails(kPump, Errc::unavailable);
  ASSERT_TRUE(bench.run_on([&] { return bench.phase(kPump) == "split"; }));
  bench.flash.at(kPump).revert_class = RevertClass::reinstall;
  ASSERT_FALSE(bench.resolve(kPump, Resolution::retry).refusal);
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "reverted"; }));
  EXPECT_EQ(bench.truth(), "old");
}

TEST(BackByTransfer, AChildThatNeverHasAPlaceForItComesToRest) {
  GroupBench bench = in_back();
  const auto refuse = [&] {
    Inspection seen = bench.flash.at(kPump).says();
    seen.staging = Staging::impossible;
    return seen;
  };
  bench.answer(kPump, GuardFailed{refuse()});
  for (int i = 0; i < 200 && bench.phase(kPump) != "split"; ++i) {
    if (bench.step(kPump) == "inspect")
      bench.says(kPump, refuse());
    else if (bench.has_work(kPump))
      bench.answer(kPump, GuardFailed{refuse()});
    else if (!bench.pass_time())
      break;
    else
      for (const ChildId& id : {kHub, kValve})
        if (bench.has_work(id)) bench.obey(id);
  }
  EXPECT_EQ(bench.phase(kPump), "split");
}

}  // namespace
}  // namespace hg::core::table
