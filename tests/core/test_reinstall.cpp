// SPDX-License-Identifier: Apache-2.0
// A child that keeps no old image, and takes one again: it goes back by a whole transfer of what it has committed, if
// that is held here. And groups with more than one member that cannot be brought back: refused, or forced.
#include <gtest/gtest.h>

#include "core/bounds.hpp"
#include "core/table_group.hpp"

namespace hg::core::table {
namespace {

/// The members' old images are what they have committed, so that they are held here.
void let_all_have_committed(GroupBench& bench) {
  for (const ChildId& id : kMembers) bench.child(id).committed = kGoesBack;
}

/// All have told what they are, and the rollout has begun.
GroupBench started(std::map<ChildId, RevertClass> classes, bool is_held = true, bool is_forced = false) {
  GroupBench bench(kInOrder, std::move(classes));
  if (is_held) let_all_have_committed(bench);
  bench.link_all();
  bench.run();
  bench.post(RolloutRequested{kDeliverable, {}, 1000, false, {kHeater}, is_forced});
  return bench;
}

const std::map<ChildId, RevertClass> kTwoTakeOlder{{kHub, RevertClass::reinstall}, {kPump, RevertClass::reinstall}};
const std::map<ChildId, RevertClass> kTwoStay{{kPump, RevertClass::irrevocable}, {kValve, RevertClass::irrevocable}};

/// Hub and pump have overwritten their old images, the valve has refused: the pump is to be sent its old image.
GroupBench pump_on_its_way_back() {
  GroupBench bench = started(kTwoTakeOlder);
  bench.flash.at(kValve).refuses_new = true;
  bench.run([&] { return bench.decision() == Decision::back && bench.step(kPump) == "deliver"; });
  return bench;
}

TEST(Reinstall, IsNoPivotWhileTheOldImageIsHeld) {
  GroupBench bench = started(kTwoTakeOlder);
  ASSERT_TRUE(bench.run([&] { return bench.phases() == "confirmed"; }));
  EXPECT_EQ(bench.truth(), "new");
  for (const ChildId& id : kMembers) EXPECT_FALSE(bench.update(id).pivot) << id;
}

TEST(Reinstall, BringsTheOldImageAndActivatesIt) {
  GroupBench bench = started(kTwoTakeOlder);
  bench.flash.at(kValve).refuses_new = true;
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::back; }));
  EXPECT_EQ(bench.truth(), "new new old");
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "reverted"; }));
  EXPECT_EQ(bench.truth(), "old");
}

TEST(Reinstall, StepsAreDeliverAndThenRevert) {
  GroupBench bench = pump_on_its_way_back();
  ASSERT_EQ(bench.step(kPump), "deliver");
  const auto& order = std::get<Deliver>(bench.child(kPump).step);
  EXPECT_EQ(order.image, digest_of('B'));
  EXPECT_EQ(order.after, kOld);
  EXPECT_EQ(order.staging, Staging::aside);
  bench.obey(kPump);
  EXPECT_EQ(bench.step(kPump), "inspect") << "what it holds now is asked";
  bench.obey(kPump);
  EXPECT_EQ(bench.step(kPump), "wait") << "a pause before each further order";
}

TEST(Reinstall, WhatWasLostOnTheWayIsSentAgain) {
  GroupBench bench = pump_on_its_way_back();
  ASSERT_EQ(bench.step(kPump), "deliver");
  for (int i = 0; i < 5; ++i) {
    bench.fails(kPump, Errc::unavailable);
    ASSERT_TRUE(bench.run_on([&] { return bench.step(kPump) == "deliver"; }, 20)) << i;
  }
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "reverted"; }));
  EXPECT_EQ(bench.truth(), "old");
}

TEST(Reinstall, IsNotTriedWithoutABound) {
  GroupBench bench = pump_on_its_way_back();
  ASSERT_EQ(bench.step(kPump), "deliver");
  unsigned tries = 0;
  while (bench.phase(kPump) != "split" && tries < 100) {
    bench.fails(kPump, Errc::unavailable);
    bench.run_on([&] { return bench.step(kPump) == "deliver" || bench.phase(kPump) == "split"; }, 20);
    ++tries;
  }
  EXPECT_EQ(tries, kMaxLostOrders);
}

TEST(Reinstall, AGatewayThatForgetsAsksFirst) {
  GroupBench bench = pump_on_its_way_back();
  ASSERT_EQ(bench.step(kPump), "deliver");
  bench.carry_out(kPump);  // it has the image, and nobody has heard of it
  bench.restart();
  bench.link_all();
  EXPECT_EQ(bench.step(kPump), "inspect");
  bench.obey(kPump);
  EXPECT_NE(bench.step(kPump), "deliver") << "it is there";
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "reverted"; }));
  EXPECT_EQ(bench.truth(), "old");
}

TEST(Reinstall, AMarkIsPlayedThroughFirst) {
  GroupBench bench = started(kTwoTakeOlder);
  bench.flash.at(kValve).refuses_new = true;
  ASSERT_TRUE(bench.run([&] { return bench.step(kPump) == "activate"; }));
  bench.flash.at(kPump).mark(kNew);  // it does not reset in time
  bench.abort(kValve);
  ASSERT_EQ(bench.decision(), Decision::back);
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "reverted"; }));
  EXPECT_EQ(bench.truth(), "old");
}

/// The hub is alone, has taken the new image, and the update is aborted before it could say so.
GroupBench aborted_alone(bool is_held) {
  GroupBench bench(kInOrder, {{kHub, RevertClass::reinstall}});
  if (is_held) let_all_have_committed(bench);
  bench.post(GroupDissolved{kHeater});
  bench.link_all();
  bench.run();
  bench.post(RolloutRequested{kDeliverable, {kHub}, 1000});
  bench.run([&] { return bench.step(kHub) == "activate"; });
  bench.carry_out(kHub);
  bench.abort(kHub);
  return bench;
}

TEST(Reinstall, AChildAloneGoesBackToo) {
  GroupBench bench = aborted_alone(true);
  ASSERT_TRUE(bench.run_on([&] { return bench.phase(kHub) == "reverted"; }));
  EXPECT_TRUE(bench.flash.at(kHub).rests_on(kOld));
}

TEST(Reinstall, AloneAndNotHeldItIsSplit) {
  GroupBench bench = aborted_alone(false);
  ASSERT_TRUE(bench.run_on([&] { return bench.phase(kHub) == "split"; }));
  EXPECT_TRUE(bench.flash.at(kHub).rests_on(kNew));
}

TEST(Reinstall, WithoutTheOldImageTwoAreRefusedByName) {
  GroupBench bench = started(kTwoTakeOlder, false);
  bench.run();
  EXPECT_EQ(bench.phases(), "refused");
  EXPECT_EQ(bench.reason(kHub), Reason::no_rollback_image);
}

TEST(Reinstall, OneWithoutTheOldImageIsThePivot) {
  GroupBench bench = started({{kPump, RevertClass::reinstall}}, false);
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::pivot; }));
  EXPECT_TRUE(bench.update(kPump).pivot);
}

// --------------------------------------------------------------------------------------------------------- --force

TEST(Forced, TwoThatStayAreRefusedWithoutIt) {
  GroupBench bench = started(kTwoStay);
  bench.run();
  EXPECT_EQ(bench.phases(), "refused");
  EXPECT_EQ(bench.reason(kHub), Reason::revert_class_not_allowed);
}

TEST(Forced, TheFurtherOneIsTouchedAfterCommitOnly) {
  GroupBench bench = started(kTwoStay, true, true);
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::pivot; }));
  EXPECT_TRUE(bench.update(kPump).pivot) << "the first of the two in order";
  EXPECT_TRUE(bench.update(kValve).after_commit);
  EXPECT_EQ(bench.phases(), "testing activating staged");
  bench.run([&] { return bench.decision() == Decision::commit; });
  EXPECT_EQ(bench.phase(kValve), "staged");
  ASSERT_TRUE(bench.run([&] { return bench.phases() == "confirmed"; }));
  EXPECT_EQ(bench.truth(), "new");
  EXPECT_EQ(bench.state.groups.at(kHeater).committed, kDeliverable);
}

TEST(Forced, IsInTheHistoryByName) {
  GroupBench bench = started(kTwoStay, true, true);
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::activate; }));
  const auto says_it = [](const PutHistory& line) {
    return line.child == kValve && line.cause.text.find("uid 1000") != std::string::npos &&
           line.cause.text.find("may end mixed") != std::string::npos;
  };
  EXPECT_TRUE(std::ranges::any_of(bench.history, says_it));
}

TEST(Forced, APivotThatRefusesTakesAllBack) {
  GroupBench bench = started(kTwoStay, true, true);
  bench.flash.at(kPump).refuses_new = true;
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "reverted"; }));
  EXPECT_EQ(bench.truth(), "old") << "the further one was never touched";
}

TEST(Forced, AFurtherOneThatRefusesIsSplitAndMixed) {
  GroupBench bench = started(kTwoStay, true, true);
  bench.flash.at(kValve).refuses_new = true;
  ASSERT_TRUE(bench.run_on([&] { return bench.phase(kValve) == "split"; }));
  EXPECT_EQ(bench.phases(), "confirmed confirmed split");
  EXPECT_EQ(bench.truth(), "new new old") << "what was forced";
}

TEST(Forced, AFurtherOneThatIsAwayIsAskedWhenItReturns) {
  GroupBench bench = started(kTwoStay, true, true);
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::pivot; }));
  bench.link(kValve, false);
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::commit; }));
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed confirmed staged");
  bench.link(kValve, true);
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
  EXPECT_EQ(bench.truth(), "new");
}

TEST(Forced, SilenceDoesNotTakeTheDecisionBack) {
  for (const Decision when : {Decision::pivot, Decision::commit}) {
    GroupBench bench = started(kTwoStay, true, true);
    ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::pivot; }));
    bench.link(kValve, false);
    ASSERT_TRUE(when == Decision::pivot || bench.run([&] { return bench.decision() == Decision::commit; }));
    bench.link(kValve, true);
    for (int i = 0; i < 10; ++i) {
      if (bench.step(kValve) == "inspect") bench.fails(kValve);
      if (!bench.pass_time()) break;
    }
    EXPECT_EQ(bench.decisions(), std::string(name_of(when)));
    EXPECT_EQ(bench.phase(kValve), "staged");
  }
}

TEST(Forced, AfterARestartItGoesOnForward) {
  GroupBench bench = started(kTwoStay, true, true);
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::commit; }));
  bench.restart();
  bench.link_all();
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
  EXPECT_EQ(bench.truth(), "new");
}

TEST(Forced, TwoThatInstallAsTheyReceiveAreRefusedAllTheSame) {
  GroupBench bench = started({{kPump, RevertClass::unstageable}, {kValve, RevertClass::unstageable}}, true, true);
  bench.run();
  EXPECT_EQ(bench.phases(), "refused");
  EXPECT_EQ(bench.reason(kHub), Reason::revert_class_not_allowed);
}

TEST(Forced, OneThatInstallsAsItReceivesIsThePivot) {
  GroupBench bench = started({{kHub, RevertClass::irrevocable}, {kValve, RevertClass::unstageable}}, true, true);
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::pivot; }));
  EXPECT_TRUE(bench.update(kValve).pivot);
  ASSERT_TRUE(bench.run([&] { return bench.phases() == "confirmed"; }));
  EXPECT_EQ(bench.truth(), "new");
}

// ------------------------------------------------------------------------------------------ further reasons of
// preflight

TEST(Preflight, ALowBatteryPutsItOff) {
  GroupBench bench;
  bench.link_all();
  bench.run();
  bench.start();
  Inspection seen = bench.flash.at(kHub).says();
  seen.power = Power::battery;
  seen.battery_percent = 19;
  bench.says(kHub, seen);
  EXPECT_EQ(bench.phases(), "deferred") << "all of them";
  EXPECT_EQ(bench.reason(kHub), Reason::battery_low);
  EXPECT_EQ(bench.update(kHub).attempts, 0u) << "no failure";
  EXPECT_EQ(bench.update(kHub).until, bench.now + bench.child(kHub).enrollment.patience.look_again);
}

TEST(Preflight, OnMainsOrUntoldABatteryDoesNotMatter) {
  for (const Power power : {Power::mains, Power::unknown}) {
    GroupBench bench;
    bench.link_all();
    bench.run();
    bench.start();
    Inspection seen = bench.flash.at(kHub).says();
    seen.power = power;
    seen.battery_percent = 3;
    bench.says(kHub, seen);
    EXPECT_EQ(bench.phase(kHub), "preflight");
    EXPECT_EQ(bench.child(kHub).gate, Gate::preflight);
  }
}

TEST(Preflight, WithoutRoomTheImageIsRefusedAtOnce) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::transferring));
  bench.fails(kPump, Errc::too_large);
  EXPECT_EQ(bench.phases(), "refused");
  EXPECT_EQ(bench.reason(kPump), Reason::no_space);
}

}  // namespace
}  // namespace hg::core::table
