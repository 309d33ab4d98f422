// SPDX-License-Identifier: Apache-2.0
// The transaction of a group, row by row (docs/state-machines.md, "A group"): gates and rounds, ACTIVATE, COMMIT, BACK,
// what one member does that all do, and attempts. Silence and restarts are test_group_faults', the pivot test_pivot's.
#include <gtest/gtest.h>

#include "core/bounds.hpp"
#include "core/table_group.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// ------------------------------------------------------------------------------------------------- gates and rounds

TEST(Transaction, AllNewAndTheGroupHasCommitted) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to_decision(Decision::commit));
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
  EXPECT_EQ(bench.truth(), "new");
  EXPECT_EQ(bench.state.groups.at(kHeater).committed, kDeliverable);
}

TEST(Transaction, NobodyIsOfferedAnythingBeforeAllHavePassedPreflight) {
  GroupBench bench;
  bench.link(kHub, true);
  bench.link(kPump, true);
  bench.start();
  bench.run();
  EXPECT_EQ(bench.phases(), "preflight") << "the valve is away";
  EXPECT_EQ(bench.child(kHub).gate, Gate::preflight);
  bench.link(kValve, true);
  bench.obey(kValve);
  EXPECT_EQ(bench.phases(), "offered");
}

TEST(Transaction, NobodyIsMarkedBeforeAllAreStagedAndInspectedInOneRound) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kValve, Phase::transferring));
  while (bench.phase(kHub) != "staged" || bench.has_work(kHub)) bench.obey(kHub);
  while (bench.phase(kPump) != "staged" || bench.has_work(kPump)) bench.obey(kPump);
  EXPECT_EQ(bench.steps(), "wait wait deliver");
  bench.obey(kValve);
  bench.obey(kValve);
  EXPECT_EQ(bench.steps(), "inspect") << "the round";
  EXPECT_EQ(bench.decisions(), "none");
  bench.obey(kPump);
  bench.obey(kHub);
  EXPECT_EQ(bench.decisions(), "none");
  bench.obey(kValve);
  EXPECT_EQ(bench.decisions(), "activate");
}

TEST(Transaction, ALinkThatGoesInTheRoundCostsAnotherRound) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kHub, Phase::staged));
  ASSERT_TRUE(bench.run([&] { return bench.child(kHub).in_round && bench.child(kHub).gate == Gate::staged; }));
  bench.link(kHub, false);
  bench.run();
  EXPECT_EQ(bench.decisions(), "none");
  bench.link(kHub, true);
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(Transaction, MembersAreActivatedInTheOrderOfTheirRoles) {
  GroupBench bench({2, 0, 1});
  ASSERT_TRUE(bench.go_to_decision(Decision::activate));
  EXPECT_EQ(bench.phases(), "staged activating staged");
  bench.obey(kPump);
  EXPECT_EQ(bench.phases(), "staged testing activating");
  bench.obey(kValve);
  EXPECT_EQ(bench.phases(), "activating testing testing");
}

TEST(Transaction, WhoComesLaterWaitsUntilTheEarlierOneIsWell) {
  GroupBench bench;
  bench.child(kHub).enrollment.patience.health = minutes{5};
  ASSERT_TRUE(bench.go_to(kHub, Phase::testing));
  bench.run();
  EXPECT_EQ(bench.phases(), "testing staged staged");
  bench.now += minutes{5};
  bench.post(TimePassed{kHub, bench.child(kHub).step_number});
  bench.obey(kHub);
  EXPECT_EQ(bench.phases(), "testing activating staged");
}

TEST(Transaction, EqualOnesAreActivatedSideBySide) {
  GroupBench bench(kSideBySide);
  ASSERT_TRUE(bench.go_to_decision(Decision::activate));
  EXPECT_EQ(bench.phases(), "activating");
  EXPECT_EQ(bench.steps(), "activate");
}

TEST(Transaction, CommitIsDecidedAfterAnotherRound) {
  GroupBench bench(kSideBySide);
  ASSERT_TRUE(bench.go_to_decision(Decision::activate));
  for (const ChildId& id : kMembers) bench.obey(id);
  EXPECT_EQ(bench.phases(), "testing");
  EXPECT_EQ(bench.steps(), "inspect") << "the round";
  bench.obey(kHub);
  bench.obey(kPump);
  EXPECT_EQ(bench.decisions(), "activate");
  bench.obey(kValve);
  EXPECT_EQ(bench.decisions(), "commit");
  EXPECT_EQ(bench.steps(), "confirm");
}

// ------------------------------------------------------------------------------- before ACTIVATE: what one does, all
// do

TEST(Transaction, AMemberThatRefusesTheOfferRefusesForAll) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::offered));
  bench.answer(kPump, OfferAnswer{Willing::no, {}, "no"});
  EXPECT_EQ(bench.phases(), "refused");
  EXPECT_EQ(bench.reason(kPump), Reason::child_refused);
  EXPECT_EQ(bench.reason(kHub), Reason::other_member);
  EXPECT_EQ(bench.update(kHub).cause.text, "pump: no");
}

TEST(Transaction, AMemberThatPreflightRefusesIsRefusedWithAll) {
  GroupBench bench;
  bench.child(kValve).floors["boiler"] = 9;
  bench.link_all();
  bench.start();
  bench.run();
  EXPECT_EQ(bench.phases(), "refused");
  EXPECT_EQ(bench.reason(kValve), Reason::not_newer);
  EXPECT_EQ(bench.reason(kHub), Reason::other_member);
}

TEST(Transaction, AMemberThatDefersDefersAllUntilThen) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::offered));
  bench.answer(kPump, OfferAnswer{Willing::later, bench.now + hours{3}, "later"});
  EXPECT_EQ(bench.phases(), "deferred");
  EXPECT_EQ(bench.update(kHub).until, bench.now + hours{3});
  EXPECT_EQ(bench.update(kHub).attempts, 0U);
  EXPECT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
}

TEST(Transaction, ABusyMemberHoldsAll) {
  GroupBench bench;
  bench.link_all();
  bench.start();
  Inspection busy = bench.flash.at(kPump).says();
  busy.busy = true;
  busy.busy_for = minutes{10};
  bench.says(kPump, busy);
  EXPECT_EQ(bench.phases(), "deferred");
  EXPECT_EQ(bench.update(kHub).until, bench.now + minutes{10});
}

TEST(Transaction, AFailureIsCountedOnceForAllAndTheOneIsNamed) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::transferring));
  bench.fails(kPump, Errc::invalid);
  EXPECT_EQ(bench.phases(), "deferred");
  EXPECT_EQ(bench.reason(kPump), Reason::transfer_failed);
  EXPECT_EQ(bench.reason(kValve), Reason::other_member);
  for (const ChildId& id : kMembers) {
    EXPECT_EQ(bench.update(id).attempts, 1U);
    EXPECT_EQ(bench.update(id).until, bench.update(kPump).until);
  }
  EXPECT_TRUE(bench.run_on([&] { return bench.phases() == "preflight"; })) << "all together";
}

TEST(Transaction, AfterFiveFailuresAllRest) {
  GroupBench bench;
  bench.link_all();
  bench.start();
  for (int i = 0; i < 5; ++i) {
    const ChildId& failing = kMembers[static_cast<std::size_t>(i) % 3];
    ASSERT_TRUE(bench.run_on([&] { return bench.phase(failing) == "transferring"; })) << i;
    bench.fails(failing, Errc::invalid);
  }
  EXPECT_EQ(bench.phases(), "resting");
  EXPECT_EQ(bench.update(kHub).until, bench.now + hours{24});
  EXPECT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
}

TEST(Transaction, AMemberThatIsSilentInTheRoundDefersAll) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kHub, Phase::staged));
  ASSERT_TRUE(bench.run([&] { return bench.child(kHub).in_round; }));
  for (unsigned i = 0; i < kMaxUnanswered; ++i) {
    bench.fails(kValve);
    if (bench.phase(kValve) == "staged") bench.post(TimePassed{kValve, bench.child(kValve).step_number});
  }
  EXPECT_EQ(bench.phases(), "deferred");
  EXPECT_EQ(bench.reason(kValve), Reason::not_answering);
}

TEST(Transaction, AMarkThatSomebodyMakesInTheRoundDefersAll) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kHub, Phase::staged));
  ASSERT_TRUE(bench.run([&] { return bench.child(kHub).in_round; }));
  bench.flash.at(kHub).is_marked = true;
  bench.obey(kHub);
  EXPECT_EQ(bench.phases(), "deferred");
  EXPECT_EQ(bench.decisions(), "none");
  EXPECT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; })) << "it is played through, then";
}

TEST(Transaction, AMemberThatWasEnrolledOtherwiseDefersAll) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kHub, Phase::staged));
  Enrollment moved = bench.child(kPump).enrollment;
  moved.address = "/dev/ttyUSB7";
  bench.post(ChildEnrolled{moved});
  EXPECT_EQ(bench.phases(), "deferred");
  EXPECT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
}

TEST(Transaction, AMemberInRecoveryDefersAll) {
  GroupBench bench;
  bench.link_all();
  bench.start();
  Inspection recovery = with({slot(0, kOld, "")});
  recovery.staging = Staging::in_place;
  bench.says(kPump, recovery);
  EXPECT_EQ(bench.phases(), "deferred") << "a rescue has no way back";
  EXPECT_EQ(bench.reason(kPump), Reason::in_recovery);
}

// ------------------------------------------------------------------------------------------------------------- abort

TEST(Transaction, AbortBeforeActivateWithdrawsAll) {
  for (const Phase where : {Phase::preflight, Phase::offered, Phase::transferring, Phase::staged}) {
    GroupBench bench;
    ASSERT_TRUE(bench.go_to(kPump, where));
    EXPECT_FALSE(bench.abort(kPump).refusal);
    EXPECT_EQ(bench.phases(), "cancelled") << name_of(where);
    EXPECT_EQ(bench.reason(kHub), Reason::aborted);
    bench.run();
    EXPECT_EQ(bench.truth(), "old");
  }
}

TEST(Transaction, AbortWhileDeferredWithdrawsAll) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::transferring));
  bench.fails(kPump, Errc::invalid);
  bench.abort(kHub);
  EXPECT_EQ(bench.phases(), "cancelled");
}

TEST(Transaction, AbortAfterActivateMeansBackAndNoFurtherAttempt) {
  for (const ChildId& id : kMembers) {
    GroupBench bench;
    ASSERT_TRUE(bench.go_to(kPump, Phase::activating));
    EXPECT_FALSE(bench.abort(id).refusal);
    EXPECT_EQ(bench.decisions(), "back");
    bench.run();
    EXPECT_EQ(bench.phases(), "reverted");
    EXPECT_EQ(bench.truth(), "old");
    for (const ChildId& member : kMembers) EXPECT_TRUE(is_over(bench.update(member)));
  }
}

TEST(Transaction, AbortInBackEndsWithIt) {
  GroupBench bench;
  bench.flash.at(kValve).refuses_new = true;
  ASSERT_TRUE(bench.go_to_decision(Decision::back));
  EXPECT_FALSE(bench.abort(kHub).refusal);
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted");
  EXPECT_TRUE(is_over(bench.update(kValve)));
}

TEST(Transaction, AbortBetweenTwoAttemptsIsTheEnd) {
  GroupBench bench;
  bench.flash.at(kValve).refuses_new = true;
  bench.go_to_decision(Decision::back);
  bench.run();
  ASSERT_TRUE(waits_for_time(bench.update(kHub)));
  EXPECT_FALSE(bench.abort(kPump).refusal);
  EXPECT_EQ(bench.phases(), "reverted");
  for (const ChildId& member : kMembers) EXPECT_TRUE(is_over(bench.update(member))) << member;
}

TEST(Transaction, AbortAfterCommitIsRefused) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to_decision(Decision::commit));
  const Output out = bench.abort(kPump);
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->code, Errc::busy);
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(Transaction, ASilentMemberInBackCanBeGivenUp) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::activating));
  bench.abort(kHub);
  bench.link(kPump, false);
  bench.run();
  ASSERT_EQ(bench.phases(), "reverted reverting reverted");
  EXPECT_FALSE(bench.abort(kPump).refusal);
  EXPECT_EQ(bench.phases(), "reverted split reverted");
  bench.link(kPump, true);
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted") << "by its own report";
}

// --------------------------------------------------------------------------------------------------- ACTIVATE, BACK

TEST(Transaction, AMemberThatComesBackOldBringsAllBack) {
  GroupBench bench(kSideBySide);
  bench.flash.at(kPump).refuses_new = true;
  ASSERT_TRUE(bench.go_to_decision(Decision::back));
  EXPECT_EQ(bench.phases(), "reverting");
  EXPECT_EQ(bench.reason(kPump), Reason::came_back_old);
  EXPECT_EQ(bench.reason(kHub), Reason::other_member);
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted");
  EXPECT_EQ(bench.truth(), "old");
  for (const ChildId& id : kMembers) {
    EXPECT_EQ(bench.update(id).attempts, 1U);
    EXPECT_EQ(bench.update(id).until, bench.update(kPump).until);
  }
}

TEST(Transaction, AfterBackAllAreTriedAgainTogether) {
  GroupBench bench;
  bench.flash.at(kValve).refuses_new = true;
  ASSERT_TRUE(bench.go_to_decision(Decision::back));
  bench.flash.at(kValve).refuses_new = false;
  EXPECT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; }));
  EXPECT_EQ(bench.truth(), "new");
}

TEST(Transaction, WhoWasActivatedLastGoesBackFirst) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kValve, Phase::activating));
  bench.obey(kValve);
  bench.abort(kHub);
  for (const ChildId& id : kMembers) bench.obey(id);
  EXPECT_EQ(bench.steps(), "idle idle revert");
  bench.obey(kValve);
  EXPECT_EQ(bench.steps(), "idle revert wait");
  bench.obey(kPump);
  EXPECT_EQ(bench.steps(), "revert wait wait");
  bench.obey(kHub);
  EXPECT_EQ(bench.phases(), "reverted");
}

TEST(Transaction, NobodyWaitsInBackForOneThatIsSilent) {
  for (const bool is_away : {true, false}) {
    GroupBench bench;
    ASSERT_TRUE(bench.go_to(kValve, Phase::activating));
    bench.obey(kValve);
    bench.abort(kHub);
    bench.obey(kHub);
    bench.obey(kPump);
    EXPECT_EQ(bench.steps(), "idle idle inspect");
    if (is_away) bench.link(kValve, false);
    for (unsigned i = 0; i < kMaxUnanswered && !is_away; ++i) {
      bench.fails(kValve);
      if (i + 1 < kMaxUnanswered) bench.post(TimePassed{kValve, bench.child(kValve).step_number});
    }
    EXPECT_EQ(bench.step(kPump), "revert");
    bench.obey(kPump);
    bench.obey(kHub);
    EXPECT_EQ(bench.phases(), "reverted reverted reverting");
  }
}

TEST(Transaction, AMarkedMemberGoesBackByPlayingTheMarkThrough) {
  GroupBench bench(kSideBySide);
  ASSERT_TRUE(bench.go_to_decision(Decision::activate));
  bench.flash.at(kPump).is_marked = true;  // marked, and not reset
  bench.fails(kPump);
  bench.abort(kHub);
  bench.run_on([&] { return bench.phases() == "reverted"; });
  EXPECT_EQ(bench.phases(), "reverted");
  EXPECT_EQ(bench.truth(), "old");
}

TEST(Transaction, ALaterOneThatIsNoLongerAsInspectedBringsAllBack) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kHub, Phase::activating));
  bench.flash.at(kValve).other = kOther;
  bench.link(kValve, true);
  bench.run([&] { return bench.decision() == Decision::back; });
  EXPECT_EQ(bench.decisions(), "back");
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted");
}

TEST(Transaction, AThirdVersionIsSplitAndTheOthersGoBack) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::activating));
  bench.answer(kPump, Ordered{other()});
  EXPECT_EQ(bench.phases(), "reverting split reverting");
  EXPECT_EQ(bench.decisions(), "back");
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted split reverted");
  EXPECT_TRUE(is_over(bench.update(kHub)));
  bench.flash.at(kPump) = Flash{};
  bench.pass_time();
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted") << "by its own report";
}

TEST(Transaction, ASelfConfirmingMemberIsBroughtBackByAMark) {
  GroupBench bench;
  bench.flash.at(kHub).confirms_by_itself = true;
  bench.flash.at(kValve).refuses_new = true;
  ASSERT_TRUE(bench.go_to_decision(Decision::back));
  EXPECT_TRUE(bench.child(kHub).confirms_itself);
  EXPECT_EQ(bench.truth(), "new new? old");
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted");
  EXPECT_EQ(bench.truth(), "old");
}

TEST(Transaction, AMemberThatConfirmsItselfAndLosesTheOldImageIsSplit) {
  GroupBench bench;
  bench.flash.at(kValve).refuses_new = true;
  ASSERT_TRUE(bench.go_to(kPump, Phase::activating));
  bench.flash.at(kHub).is_confirmed = true;
  bench.flash.at(kHub).other = {};
  bench.run([&] { return bench.decision() == Decision::back; });
  bench.run();
  EXPECT_EQ(bench.phases(), "split reverted reverted");
}

TEST(Transaction, ASwappedBoardInTheMidstIsSplit) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::testing));
  Flash board;
  board.runs = kOther;
  bench.flash.at(kHub) = board;
  bench.link(kHub, false);
  bench.link(kHub, true);
  bench.run();
  EXPECT_EQ(bench.phases(), "split reverted reverted");
  EXPECT_EQ(bench.reason(kHub), Reason::third_version);
}

TEST(Transaction, AMemberThatFlapsIsGivenUpAfterItsOrdersAndNotBefore) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to_decision(Decision::commit));
  for (int i = 0; i < 100 && bench.phase(kPump) != "split"; ++i) {
    bench.flash.at(kPump).boot();  // it falls back whatever it is told
    bench.flash.at(kPump).is_marked = false;
    if (bench.flash.at(kPump).runs == kNew) bench.flash.at(kPump) = Flash{RevertClass::self_reverting, kOld, kNew};
    if (bench.has_work(kPump)) bench.answer(kPump, Ordered{bench.flash.at(kPump).says()});
    if (!bench.has_work(kPump)) bench.pass_time();
  }
  EXPECT_EQ(bench.phase(kPump), "split");
  EXPECT_GE(bench.update(kPump).orders, kMaxOrders);
  EXPECT_LT(bench.update(kPump).orders, kMaxLostOrders);
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed split confirmed");
}

TEST(Transaction, LostAnswersAfterCommitDoNotSplitAMemberThatObeys) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to_decision(Decision::commit));
  for (unsigned i = 0; i <= kMaxOrders; ++i) {
    ASSERT_TRUE(bench.run_on([&] { return bench.step(kPump) == "confirm" || bench.step(kPump) == "activate"; })) << i;
    bench.flash.at(kPump).boot();  // a power cut in the midst of it
    bench.fails(kPump);
  }
  EXPECT_TRUE(bench.run_on([&] { return bench.phases() == "confirmed"; })) << bench.phases();
}

TEST(Transaction, LostOrdersInBackDoNotSplitAMemberThatObeys) {
  GroupBench bench(kSideBySide, {{kPump, RevertClass::swap_back}});
  ASSERT_TRUE(bench.go_to_decision(Decision::activate));
  bench.obey(kPump);
  bench.abort(kHub);
  for (unsigned i = 0; i <= kMaxOrders; ++i) {
    ASSERT_TRUE(bench.run_on([&] { return bench.step(kPump) == "revert"; })) << i;
    bench.fails(kPump);  // it never reached the child
  }
  EXPECT_TRUE(bench.run_on([&] { return bench.phases() == "reverted"; })) << bench.phases();
  EXPECT_EQ(bench.truth(), "old");
}

TEST(Transaction, AMemberThatNeverGoesBackIsSplitInTheEnd) {
  GroupBench bench(kSideBySide, {{kPump, RevertClass::swap_back}});
  ASSERT_TRUE(bench.go_to_decision(Decision::activate));
  bench.obey(kPump);
  bench.abort(kHub);
  for (int i = 0; i < 100 && bench.phase(kPump) != "split"; ++i) {
    bench.run_on([&] { return bench.step(kPump) == "revert" || bench.phase(kPump) == "split"; });
    if (bench.phase(kPump) != "split") bench.fails(kPump);
  }
  EXPECT_EQ(bench.phases(), "reverted split reverted");
}

}  // namespace
}  // namespace hg::core::table
