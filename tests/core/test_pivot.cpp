// SPDX-License-Identifier: Apache-2.0
// The pivot, row by row (docs/state-machines.md, "The pivot"): the one member that cannot be brought back is touched
// last, and its own report decides for all. And what is weighed for a group as a whole before any of it is touched:
// more than one such member, and the room in a test window.
#include <gtest/gtest.h>

#include "core/bounds.hpp"
#include "core/table_group.hpp"

namespace hg::core::table {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// The pump cannot be brought back; it comes second, and is touched last all the same.
GroupBench with_pivot(RevertClass revert_class = RevertClass::irrevocable) {
  return GroupBench(kInOrder, {{kPump, revert_class}});
}

GroupBench at_pivot(RevertClass revert_class = RevertClass::irrevocable) {
  GroupBench bench = with_pivot(revert_class);
  bench.go_to_decision(Decision::pivot);
  return bench;
}

Inspection of_pivot(Inspection seen) {
  seen.revert_class = RevertClass::irrevocable;
  return seen;
}

TEST(Pivot, IsTouchedWhenAllOthersAreWell) {
  GroupBench bench = with_pivot();
  ASSERT_TRUE(bench.go_to_decision(Decision::activate));
  EXPECT_TRUE(bench.update(kPump).pivot);
  ASSERT_TRUE(bench.run([&] { return bench.phase(kValve) == "testing"; }));
  EXPECT_EQ(bench.phases(), "testing staged testing");
  EXPECT_EQ(bench.decisions(), "activate");
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::pivot; }));
  EXPECT_EQ(bench.decisions(), "pivot");
  EXPECT_EQ(bench.steps(), "wait activate wait") << "the pivot alone is touched";
}

TEST(Pivot, IsChosenAnewWhenAClassWeakensUnderWay) {
  GroupBench bench;
  bench.link_all();
  bench.start();
  ASSERT_TRUE(bench.run([&] { return bench.phase(kPump) == "transferring"; }));
  bench.flash.at(kPump).revert_class = RevertClass::irrevocable;
  ASSERT_TRUE(bench.run([&] { return bench.phase(kPump) == "deferred"; }));
  EXPECT_EQ(bench.reason(kPump), Reason::revert_class_not_allowed);
  EXPECT_EQ(bench.decisions(), "none");
  ASSERT_TRUE(bench.run_on([&] { return bench.decision() == Decision::pivot; })) << "the next attempt knows its pivot";
  EXPECT_TRUE(bench.update(kPump).pivot);
}

TEST(Pivot, NewRunsIsCommit) {
  GroupBench bench = at_pivot();
  bench.obey(kPump);
  EXPECT_EQ(bench.decisions(), "commit");
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
  EXPECT_EQ(bench.truth(), "new");
  EXPECT_EQ(bench.state.groups.at(kHeater).committed, kDeliverable);
}

TEST(Pivot, OldAndNoMarkAfterTheOrderIsBack) {
  GroupBench bench = at_pivot();
  bench.flash.at(kPump).refuses_new = true;
  bench.obey(kPump);
  EXPECT_EQ(bench.decisions(), "back");
  EXPECT_EQ(bench.reason(kPump), Reason::came_back_old);
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted");
  EXPECT_EQ(bench.truth(), "old");
}

TEST(Pivot, OldAndMarkedIsActivatedAgainAndNeverBack) {
  GroupBench bench = at_pivot();
  for (unsigned i = 1; i < kMaxOrders; ++i) {
    bench.answer(kPump, Ordered{of_pivot(marked())});
    EXPECT_EQ(bench.decisions(), "pivot");
    EXPECT_EQ(bench.step(kPump), "activate") << i;
  }
  bench.answer(kPump, Ordered{of_pivot(marked())});
  EXPECT_EQ(bench.phases(), "testing split testing") << "a power cut would bring the new one";
  EXPECT_EQ(bench.decisions(), "pivot");
  bench.flash.at(kPump).mark(kNew);
  bench.flash.at(kPump).boot();
  bench.run_on([&] { return bench.phases() == "confirmed"; });
  EXPECT_EQ(bench.phases(), "confirmed") << "its late report decides";
}

TEST(Pivot, OldAndNobodyKnowsIsActivatedAgainAsOftenAsItMay) {
  GroupBench bench = at_pivot();
  for (unsigned i = 1; i < kMaxUnsureOrders; ++i) {
    bench.fails(kPump);
    bench.run_on([&] { return bench.step(kPump) == "activate"; });
    EXPECT_EQ(bench.decisions(), "pivot");
    EXPECT_EQ(bench.step(kPump), "activate");
  }
  bench.fails(kPump);
  bench.run_on([&] { return bench.decision() != Decision::pivot; });
  EXPECT_EQ(bench.decisions(), "back") << "it was lost as often as it may be given";
  bench.run_on([&] { return bench.phases() == "reverted"; });
  EXPECT_EQ(bench.truth(), "old");
}

TEST(Pivot, AnotherVersionIsSplitAndTheOthersHold) {
  GroupBench bench = at_pivot();
  bench.answer(kPump, Ordered{of_pivot(other())});
  EXPECT_EQ(bench.phases(), "testing split testing");
  EXPECT_EQ(bench.decisions(), "pivot");
  EXPECT_EQ(bench.steps(), "wait");
}

TEST(Pivot, SilenceBeyondItsTimeIsSplitAndTheOthersHold) {
  GroupBench bench = at_pivot();
  const Instant then = bench.now + bench.child(kPump).enrollment.patience.swap;
  while (bench.phase(kPump) != "split" && bench.now < then + minutes{20}) {
    bench.fails(kPump);
    const Wait* wait = std::get_if<Wait>(&bench.child(kPump).step);
    ASSERT_NE(wait, nullptr);
    bench.now = wait->at;
    bench.post(TimePassed{kPump, bench.child(kPump).step_number});
  }
  EXPECT_GE(bench.now, then);
  EXPECT_EQ(bench.phases(), "testing split testing");
  EXPECT_EQ(bench.decisions(), "pivot");
}

TEST(Pivot, AwayBeyondItsTimeIsSplitToo) {
  GroupBench bench = at_pivot();
  bench.link(kPump, false);
  EXPECT_EQ(bench.steps(), "wait");
  bench.pass_time();
  EXPECT_EQ(bench.phases(), "testing split testing");
  EXPECT_EQ(bench.reason(kPump), Reason::not_answering);
}

TEST(Pivot, ItsLateReportDecides) {
  for (const bool took_it : {true, false}) {
    GroupBench bench = at_pivot();
    if (took_it) bench.carry_out(kPump);
    bench.link(kPump, false);
    bench.run_on([&] { return bench.phase(kPump) == "split"; });
    bench.flash.at(kPump).refuses_new = true;
    bench.link(kPump, true);
    bench.run_on([&] { return bench.phases() == "confirmed" || bench.phases() == "reverted"; });
    EXPECT_EQ(bench.phases(), took_it ? "confirmed" : "reverted");
    EXPECT_EQ(bench.truth(), took_it ? "new" : "old");
  }
}

TEST(Pivot, WhateverBecomesOfTheOthersTheyHold) {
  GroupBench bench = at_pivot();
  bench.flash.at(kHub).boot();  // a power cut takes the unconfirmed image back
  bench.link(kHub, false);
  bench.link(kHub, true);
  bench.obey(kHub);
  EXPECT_EQ(bench.decisions(), "pivot");
  EXPECT_EQ(bench.steps(), "wait activate wait");
  bench.obey(kPump);
  EXPECT_EQ(bench.decisions(), "commit");
  EXPECT_EQ(bench.step(kHub), "inspect") << "nothing is there that could be confirmed";
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
  EXPECT_EQ(bench.truth(), "new");
}

TEST(Pivot, AnOtherThatIsAwayIsNotWaitedForBeforeTheDecision) {
  GroupBench bench = at_pivot();
  bench.link(kHub, false);
  EXPECT_EQ(bench.step(kHub), "idle");
  bench.obey(kPump);
  EXPECT_EQ(bench.decisions(), "commit");
  bench.run();
  EXPECT_EQ(bench.phases(), "testing confirmed confirmed");
  bench.link(kHub, true);
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(Pivot, AbortIsRefused) {
  for (const ChildId& id : kMembers) {
    GroupBench bench = at_pivot();
    const Output out = bench.abort(id);
    ASSERT_TRUE(out.refusal) << id;
    EXPECT_EQ(out.refusal->code, Errc::busy);
  }
}

TEST(Pivot, AMemberThatHoldsStillIsNotGivenUpEither) {
  GroupBench bench = at_pivot();
  bench.link(kHub, false);
  EXPECT_TRUE(bench.abort(kHub).refusal);
  EXPECT_EQ(bench.phase(kHub), "testing");
}

TEST(Pivot, ASilentOneCanBeGivenUpByTheOperator) {
  GroupBench bench = at_pivot();
  bench.link(kPump, false);
  EXPECT_FALSE(bench.abort(kPump).refusal);
  EXPECT_EQ(bench.phases(), "testing split testing");
  EXPECT_FALSE(bench.resolve(kPump, Resolution::accept).refusal);
  EXPECT_EQ(bench.phases(), "reverting cancelled reverting");
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted cancelled reverted");
  EXPECT_TRUE(is_over(bench.update(kHub))) << "not tried again without it";
}

TEST(Pivot, AfterARestartItIsAskedBeforeAnything) {
  for (const bool took_it : {true, false}) {
    GroupBench bench = at_pivot();
    if (took_it) bench.carry_out(kPump);
    bench.restart();
    bench.link_all();
    EXPECT_EQ(bench.steps(), "inspect");
    bench.run();
    EXPECT_EQ(bench.phases(), "confirmed");
    EXPECT_EQ(bench.truth(), "new");
  }
}

TEST(Pivot, AFailureBeforeItLeavesItUntouched) {
  GroupBench bench = with_pivot();
  bench.flash.at(kValve).refuses_new = true;
  bench.go_to_decision(Decision::back);
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted");
  EXPECT_EQ(bench.truth(), "old");
  EXPECT_EQ(bench.update(kPump).orders, 0U);
}

TEST(Pivot, WhichOneItIsIsChosenAnewInEachAttempt) {
  GroupBench bench = with_pivot();
  bench.flash.at(kValve).refuses_new = true;
  bench.go_to_decision(Decision::back);
  bench.flash.at(kValve).refuses_new = false;
  bench.flash.at(kPump).revert_class = RevertClass::swap_back;
  ASSERT_TRUE(bench.run_on([&] { return bench.phases() == "preflight"; }));
  EXPECT_FALSE(bench.update(kPump).pivot);
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::commit; }));
  EXPECT_FALSE(bench.update(kPump).pivot);
}

TEST(Pivot, WhatItWasAwayIsGivenBackToIt) {
  GroupBench bench = at_pivot();
  bench.fails(kPump);
  bench.link(kPump, false);
  bench.now += seconds{100};
  bench.link(kPump, true);
  bench.now += seconds{50};
  bench.fails(kPump);
  EXPECT_EQ(bench.phases(), "testing activating testing") << "it was not silent for long";
}

TEST(Pivot, WhenItGoesAwayBeforeItsDecisionAllGoBack) {
  GroupBench bench = with_pivot();
  ASSERT_TRUE(bench.go_to(kHub, Phase::testing));
  bench.link(kPump, false);
  bench.run();
  bench.run_on([&] { return bench.decision() == Decision::back; }, 4);
  EXPECT_EQ(bench.decisions(), "back");
}

// ------------------------------------------------------------------------------------------------- one that installs

TEST(Pivot, OneThatInstallsAsItReceivesIsSentNothingBefore) {
  GroupBench bench = with_pivot(RevertClass::unstageable);
  bench.link_all();
  bool was_sent = false;
  bench.watch = [&] { was_sent = was_sent || (bench.decision() != Decision::pivot && bench.step(kPump) == "deliver"); };
  bench.start();
  ASSERT_TRUE(bench.run([&] { return bench.decision() == Decision::pivot; }));
  EXPECT_FALSE(was_sent);
  EXPECT_EQ(bench.phases(), "testing transferring testing");
  EXPECT_EQ(bench.steps(), "wait deliver wait");
  bench.watch = nullptr;
  bench.obey(kPump);
  EXPECT_EQ(bench.phases(), "testing activating testing");
  EXPECT_EQ(bench.step(kPump), "inspect");
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
  EXPECT_EQ(bench.truth(), "new");
}

TEST(Pivot, ADeliveryToItThatFailsIsNoAnswer) {
  for (const bool took_it : {true, false}) {
    GroupBench bench = at_pivot(RevertClass::unstageable);
    if (took_it) bench.carry_out(kPump);
    bench.fails(kPump, Errc::invalid);
    EXPECT_EQ(bench.decisions(), "pivot");
    bench.run_on([&] { return bench.decision() != Decision::pivot; });
    EXPECT_EQ(bench.decisions(), "commit") << "sent again if it has not come";
    bench.run();
    EXPECT_EQ(bench.truth(), "new");
  }
}

TEST(Pivot, ADeliveryThatIsLostAsOftenAsItMayIsBack) {
  GroupBench bench = at_pivot(RevertClass::unstageable);
  for (unsigned i = 0; i < kMaxUnsureOrders; ++i) {
    ASSERT_TRUE(bench.run_on([&] { return bench.step(kPump) == "deliver"; }));
    bench.fails(kPump, Errc::invalid);
  }
  bench.run_on([&] { return bench.decision() != Decision::pivot; });
  EXPECT_EQ(bench.decisions(), "back");
}

TEST(Pivot, ADeliveryThatWouldGoElsewhereTakesNoDecisionBack) {
  GroupBench bench = at_pivot(RevertClass::unstageable);
  bench.answer(kPump, GuardFailed{bench.flash.at(kPump).says()});
  EXPECT_EQ(bench.decisions(), "pivot");
  EXPECT_EQ(bench.phases(), "testing activating testing");
}

TEST(Pivot, ADeliverableThatIsGoneTakesNoDecisionBack) {
  GroupBench bench = at_pivot(RevertClass::unstageable);
  bench.fails(kPump, Errc::invalid);
  bench.state.deliverables.erase(kDeliverable);
  bench.run_on([&] { return bench.decision() != Decision::pivot; });
  EXPECT_EQ(bench.decisions(), "back");
}

TEST(Pivot, EnrolledOtherwiseInTheMidstOfADeliveryItIsAsked) {
  GroupBench bench = at_pivot(RevertClass::unstageable);
  Enrollment moved = bench.child(kPump).enrollment;
  moved.address = "elsewhere";
  bench.post(ChildEnrolled{moved});
  EXPECT_EQ(bench.decisions(), "pivot");
  EXPECT_EQ(bench.step(kPump), "inspect");
  bench.run();
  EXPECT_EQ(bench.truth(), "new");
}

TEST(Pivot, AfterARestartInTheMidstOfADeliveryItIsAskedFirst) {
  GroupBench bench = at_pivot(RevertClass::unstageable);
  bench.carry_out(kPump);
  bench.restart();
  bench.link_all();
  EXPECT_EQ(bench.step(kPump), "inspect");
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
  EXPECT_EQ(bench.truth(), "new");
}

// ------------------------------------------------------------------------------------------- weighed for all together

TEST(Pivot, AClassThatIsNotKnownIsNotGuessedUpward) {
  for (const auto revert_class : {RevertClass::unknown, RevertClass::irrevocable, RevertClass::unstageable}) {
    GroupBench bench = at_pivot(revert_class);
    EXPECT_TRUE(bench.update(kPump).pivot);
    EXPECT_FALSE(bench.update(kHub).pivot);
  }
}

TEST(Pivot, TwoOfThemAreRefusedByName) {
  GroupBench bench(kInOrder, {{kPump, RevertClass::irrevocable}, {kValve, RevertClass::unknown}});
  bench.link_all();
  bench.start();
  bench.run();
  EXPECT_EQ(bench.phases(), "refused");
  for (const ChildId& id : kMembers) {
    EXPECT_EQ(bench.reason(id), Reason::revert_class_not_allowed);
    EXPECT_NE(bench.update(id).cause.text.find("pump and valve"), std::string::npos);
  }
}

TEST(Pivot, OneThatRunsTheNewImageAlreadyIsNone) {
  GroupBench bench(kInOrder, {{kPump, RevertClass::irrevocable}, {kValve, RevertClass::irrevocable}});
  bench.flash.at(kValve).runs = kNew;
  bench.link_all();
  bench.start();
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
  EXPECT_EQ(bench.truth(), "new");
  EXPECT_FALSE(bench.update(kValve).pivot);
}

/// Each takes two minutes to swap; the hub takes its new image back after `window`.
GroupBench with_window(std::array<unsigned, 3> order, Duration window, std::map<ChildId, RevertClass> classes = {}) {
  GroupBench bench(order, std::move(classes));
  bench.child(kHub).enrollment.patience.test_window = window;
  bench.link_all();
  bench.start();
  bench.run([&] { return bench.phase(kHub) != "preflight"; });
  return bench;
}

TEST(TestWindow, AllMustBeActivatedBeforeItEnds) {
  EXPECT_EQ(with_window(kInOrder, minutes{6}).phases(), "offered");
  GroupBench bench = with_window(kInOrder, minutes{6} - seconds{1});
  EXPECT_EQ(bench.phases(), "refused");
  EXPECT_EQ(bench.reason(kHub), Reason::no_room_in_window);
}

TEST(TestWindow, SideBySideTakesAsLongAsTheLongest) {
  EXPECT_EQ(with_window(kSideBySide, minutes{2}).phases(), "offered");
  EXPECT_EQ(with_window(kSideBySide, minutes{2} - seconds{1}).phases(), "refused");
}

TEST(TestWindow, ThePivotComesAfterAllWhateverItsOrder) {
  const std::map<ChildId, RevertClass> classes{{kPump, RevertClass::irrevocable}};
  EXPECT_EQ(with_window(kSideBySide, minutes{4}, classes).phases(), "offered");
  EXPECT_EQ(with_window(kSideBySide, minutes{4} - seconds{1}, classes).phases(), "refused");
}

TEST(TestWindow, WhoRunsTheNewImageAlreadyHasNoTestThatCouldEnd) {
  GroupBench bench;
  bench.flash.at(kHub).runs = kNew;
  bench.child(kHub).enrollment.patience.test_window = seconds{1};
  ASSERT_TRUE(bench.go_to_decision(Decision::commit));
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(TestWindow, WhoRunsTheNewImageAlreadyTakesNoTime) {
  GroupBench bench;
  bench.flash.at(kHub).runs = kNew;
  bench.child(kPump).enrollment.patience.test_window = minutes{4};
  ASSERT_TRUE(bench.go_to_decision(Decision::commit));
}

}  // namespace
}  // namespace hg::core::table
