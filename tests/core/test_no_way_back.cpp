// SPDX-License-Identifier: Apache-2.0
// Members with no quick way back, and what goes wrong with them in each phase: those forced along, those that are
// brought back by a transfer; and children that come into a group while an update of their own is under way.
#include <gtest/gtest.h>

#include "core/bounds.hpp"
#include "core/table_group.hpp"
#include "core/table_parts.hpp"

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

/// Two images, of which the update brings both or only the app; aborted when they run.
class TwoInBack : public Bench2 {
 public:
  explicit TwoInBack(bool brings_radio) {
    Deliverable before = two_images();
    before.id = kGoesBack;
    before.images[0].digest = digest_of('B');
    before.images[0].running_digest = kOld;
    before.images[1].digest = digest_of('D');
    before.images[1].running_digest = kRadioOld;
    post(DeliverableSealed{before});
    child().committed = kGoesBack;
    if (!brings_radio) radio_ = radio_only_new();
    link(true);
    start();
    runs(normal(), brings_radio ? radio_normal() : radio_);
    answer(OfferAnswer{});
    answer(BackedUp{});
    answer(Delivered{});
    if (brings_radio) answer(Delivered{});
    runs(uploaded(), brings_radio ? radio_uploaded() : radio_);
    post(UpdateAborted{update().epoch});
  }
  void runs(Inspection app, std::vector<Slot> radio) {
    Inspection seen = both(std::move(app), std::move(radio));
    seen.revert_class = RevertClass::reinstall;
    says(seen);
  }
  void pause() {
    while (std::holds_alternative<Wait>(child().step)) wait_out();
  }
  int delivered_to() {
    pause();
    const auto* order = std::get_if<Deliver>(&child().step);
    return order == nullptr ? -1 : order->image_number;
  }
  std::vector<Slot> radio_;
};

TEST(BackByTransfer, OfTwoImagesEachIsBroughtAndThenBothAreTakenBack) {
  TwoInBack bench(true);
  ASSERT_EQ(bench.update().phase, Phase::reverting);
  bench.runs(with({slot(0, kNew, "ac")}), radio_only_new());
  EXPECT_EQ(bench.delivered_to(), 0);
  bench.answer(Delivered{});
  bench.runs(with({slot(0, kNew, "ac"), slot(1, kOld, "")}), radio_only_new());
  EXPECT_EQ(bench.delivered_to(), 1);
  bench.answer(Delivered{});
  bench.runs(with({slot(0, kNew, "ac"), slot(1, kOld, "")}), {radio(0, kRadioNew, "ac"), radio(1, kRadioOld, "")});
  bench.pause();
  EXPECT_TRUE(std::holds_alternative<Revert>(bench.child().step));
  // The power was cut when only one of them was marked.
  bench.runs(with({slot(0, kOld, "ac")}), {radio(0, kRadioNew, "ac"), radio(1, kRadioOld, "")});
  bench.pause();
  EXPECT_TRUE(std::holds_alternative<Revert>(bench.child().step));
  bench.runs(normal(), radio_normal());
  EXPECT_EQ(bench.update().phase, Phase::reverted);
}

TEST(BackByTransfer, OfTwoImagesTheOneThatStayedIsNotBrought) {
  TwoInBack bench(false);
  ASSERT_EQ(bench.update().phase, Phase::reverting);
  bench.runs(with({slot(0, kNew, "ac")}), radio_only_new());
  EXPECT_EQ(bench.delivered_to(), 0);
  bench.answer(Delivered{});
  bench.runs(with({slot(0, kNew, "ac"), slot(1, kOld, "")}), radio_only_new());
  bench.pause();
  EXPECT_TRUE(std::holds_alternative<Revert>(bench.child().step));
  bench.runs(normal(), radio_only_new());
  EXPECT_EQ(bench.update().phase, Phase::reverted);
}

// ------------------------------------------------------------------------------------------------ formed under way

/// The hub is alone, in this phase of an update of its own, when the group is made up.
GroupBench formed_in(Phase where) {
  GroupBench bench(kInOrder);
  bench.post(GroupDissolved{kHeater});
  bench.link_all();
  bench.run();
  bench.post(RolloutRequested{kDeliverable, {kHub}, 1000});
  bench.run([&] { return bench.phase(kHub) == name_of(where); });
  bench.post(GroupFormed{heater()});
  return bench;
}

TEST(FormedUnderWay, AnUpdateOfAMemberAloneDoesNotGoOn) {
  for (const Phase where : {Phase::preflight, Phase::transferring, Phase::staged}) {
    GroupBench bench = formed_in(where);
    EXPECT_EQ(bench.phase(kHub), "cancelled") << name_of(where);
    EXPECT_EQ(bench.reason(kHub), Reason::superseded);
    bench.run_on([] { return false; }, 20);
    EXPECT_EQ(bench.truth(), "old") << name_of(where);
  }
}

TEST(FormedUnderWay, NorDoesThatOfAReplacement) {
  GroupBench bench = forced_and_committed();
  bench.link(kValve, false);
  bench.run();
  ASSERT_FALSE(bench.abort(kValve).refusal);
  const ChildId spare = "spare";
  bench.post(ChildEnrolled{member_enrollment(spare)});
  bench.post(RolloutRequested{kDeliverable, {spare}, 1000});
  ASSERT_EQ(bench.phase(spare), "preflight");
  ASSERT_FALSE(bench.resolve(kValve, Resolution::replace, spare).refusal);
  EXPECT_EQ(bench.phase(spare), "cancelled");
  EXPECT_EQ(bench.reason(spare), Reason::superseded);
}

}  // namespace
}  // namespace hg::core::table
