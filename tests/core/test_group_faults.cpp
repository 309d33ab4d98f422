// SPDX-License-Identifier: Apache-2.0
// What happens to a group from outside: links and members that go, restarts of the daemon in each phase, members that
// are somewhere else already when it begins.
#include <gtest/gtest.h>

#include "core/bounds.hpp"
#include "core/table_group.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// ------------------------------------------------------------------------------------------------------------- away

TEST(GroupFaults, BeforeActivateAMemberThatIsAwayIsWaitedFor) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::transferring));
  bench.link(kPump, false);
  bench.run();
  for (int i = 0; i < 20; ++i) {
    bench.pass_time();
    bench.run();
  }
  EXPECT_EQ(bench.phases(), "staged transferring staged") << "it is no failure";
  bench.link(kPump, true);
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(GroupFaults, AfterActivateAMemberThatIsAwayForTooLongBringsAllBack) {
  for (const Phase where : {Phase::staged, Phase::activating, Phase::testing}) {
    GroupBench bench;
    ASSERT_TRUE(bench.go_to(where == Phase::staged ? kHub : kPump, where == Phase::staged ? Phase::activating : where));
    bench.now += seconds{30};  // it was well until now
    bench.link(kPump, false);
    const Instant then = bench.now + bench.child(kPump).enrollment.patience.swap;
    EXPECT_EQ(bench.child(kPump).step, (Step{Wait{then}})) << name_of(where);
    bench.run();
    EXPECT_EQ(bench.decisions(), "activate");
    bench.run_on([&] { return bench.decision() == Decision::back; });
    EXPECT_EQ(bench.now, then);
    EXPECT_EQ(bench.reason(kPump), Reason::not_answering);
    bench.run();
    EXPECT_EQ(bench.phases(), "reverted reverting reverted") << "it is asked when it returns";
    bench.link(kPump, true);
    bench.run();
    EXPECT_EQ(bench.phases(), "reverted");
    EXPECT_EQ(bench.truth(), "old");
  }
}

TEST(GroupFaults, WhoReturnsInTimeGoesOn) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::activating));
  bench.carry_out(kPump);
  bench.link(kPump, false);
  bench.now += seconds{100};
  bench.link(kPump, true);
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(GroupFaults, ALinkThatComesAndGoesDoesNotPutOffBackForEver) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::activating));
  int returns = 0;
  while (bench.decision() == Decision::activate && returns < 1000) {
    bench.link(kPump, false);
    bench.now += seconds{10};
    bench.link(kPump, true);
    bench.now += seconds{10};  // asked, and gone again before it has answered
    ++returns;
  }
  EXPECT_EQ(bench.decisions(), "back");
  EXPECT_LT(returns, 20);
}

TEST(GroupFaults, OneLostAnswerOfAMemberThatWasWellForHoursIsNoSilence) {
  GroupBench bench;
  bench.child(kValve).enrollment.patience.health = hours{3};
  ASSERT_TRUE(bench.go_to(kValve, Phase::testing));
  bench.run();
  bench.run_on([&] { return bench.now >= kNow + hours{1} && bench.step(kHub) == "inspect"; });
  ASSERT_EQ(bench.step(kHub), "inspect") << "is it still well?";
  bench.fails(kHub);
  EXPECT_EQ(bench.decisions(), "activate");
  bench.run_on([&] { return bench.phases() == "confirmed"; });
  EXPECT_EQ(bench.truth(), "new");
}

TEST(GroupFaults, AMemberThatIsAskedOnceMoreMayGoForAMoment) {
  GroupBench bench;
  bench.child(kValve).enrollment.patience.health = minutes{50};
  ASSERT_TRUE(bench.go_to(kValve, Phase::testing));
  ASSERT_TRUE(bench.run_on([&] { return bench.child(kHub).in_round; }));
  bench.link(kHub, false);
  EXPECT_EQ(bench.child(kHub).step, (Step{Wait{bench.now + bench.child(kHub).enrollment.patience.swap}}));
  bench.now += seconds{20};
  bench.link(kHub, true);
  bench.run_on([&] { return bench.phases() == "confirmed"; }, 3);
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(GroupFaults, SilenceAfterActivateIsBackWhenItsTimeHasPassed) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::activating));
  const Instant then = bench.now + bench.child(kPump).enrollment.patience.swap;
  while (bench.decision() == Decision::activate) {
    ASSERT_LT(bench.now, then + minutes{20});
    bench.fails(kPump);
    const Wait* wait = std::get_if<Wait>(&bench.child(kPump).step);
    if (wait == nullptr) break;
    bench.now = std::max(bench.now, wait->at);
    bench.post(TimePassed{kPump, bench.child(kPump).step_number});
  }
  EXPECT_GE(bench.now, then);
  EXPECT_EQ(bench.phases(), "reverting");
}

TEST(GroupFaults, AMemberThatIsDroppedFromTheConfigurationIsAway) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::testing));
  bench.post(ChildDropped{kPump});
  bench.run_on([&] { return bench.decision() == Decision::back; }, 4);
  EXPECT_EQ(bench.decisions(), "back") << "or the others would wait for ever";
}

TEST(GroupFaults, APowerCutUnderTestIsBack) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kValve, Phase::activating));
  bench.flash.at(kHub).boot();
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted");
  EXPECT_EQ(bench.reason(kHub), Reason::came_back_old);
  EXPECT_EQ(bench.truth(), "old");
}

TEST(GroupFaults, APowerCutAfterCommitIsActivatedAgain) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to_decision(Decision::commit));
  bench.flash.at(kHub).boot();
  bench.run_on([&] { return bench.phases() == "confirmed"; });
  EXPECT_EQ(bench.phases(), "confirmed");
  EXPECT_EQ(bench.truth(), "new");
}

TEST(GroupFaults, AMemberThatWillNotConfirmIsSplit) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to_decision(Decision::commit));
  unsigned refusals = 0;
  while (bench.run_on([&] { return bench.step(kHub) == "confirm" || bench.phase(kHub) == "split"; }, 3) &&
         bench.phase(kHub) != "split" && refusals < 100) {
    bench.fails(kHub, Errc::denied);
    ++refusals;
  }
  EXPECT_EQ(refusals, kMaxOrders) << "it has said no each time: nothing was lost";
  EXPECT_EQ(bench.phases(), "split confirmed confirmed");
}

TEST(GroupFaults, AMemberThatIsDeadAfterCommitIsGivenUpByTheOperator) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to_decision(Decision::commit));
  bench.link(kHub, false);
  bench.run();
  EXPECT_EQ(bench.phases(), "testing confirmed confirmed");
  EXPECT_FALSE(bench.abort(kHub).refusal);
  EXPECT_EQ(bench.phases(), "split confirmed confirmed");
}

// ---------------------------------------------------------------------------------------------------------- restarts

class GroupRestarts : public testing::TestWithParam<Phase> {};

TEST_P(GroupRestarts, AllIsAskedAnewAndGoesOn) {
  for (const ChildId& id : kMembers) {
    for (const bool was_carried_out : {false, true}) {
      GroupBench bench;
      ASSERT_TRUE(bench.go_to(id, GetParam()));
      if (was_carried_out) bench.carry_out(id);
      const std::string before = bench.decisions();
      bench.restart();
      EXPECT_EQ(bench.decisions(), before);
      bench.link_all();
      bench.run_on([&] { return bench.phases() == "confirmed"; });
      EXPECT_EQ(bench.phases(), "confirmed") << id;
      EXPECT_EQ(bench.truth(), "new");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, GroupRestarts,
                         testing::Values(Phase::preflight, Phase::offered, Phase::backing_up, Phase::transferring,
                                         Phase::staged, Phase::activating, Phase::testing, Phase::confirmed),
                         [](const auto& row) { return "in_" + std::to_string(static_cast<int>(row.param)); });

TEST(GroupFaults, ARestartInBackGoesOnBack) {
  for (const ChildId& id : kMembers) {
    GroupBench bench;
    bench.flash.at(kValve).refuses_new = true;
    ASSERT_TRUE(bench.go_to_decision(Decision::back));
    bench.carry_out(id);
    bench.restart();
    bench.link_all();
    bench.run();
    EXPECT_EQ(bench.phases(), "reverted");
    EXPECT_EQ(bench.truth(), "old");
  }
}

TEST(GroupFaults, ARestartInTheRoundBeginsItAnew) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kHub, Phase::staged));
  ASSERT_TRUE(bench.run([&] { return bench.child(kHub).in_round && bench.child(kHub).gate == Gate::staged; }));
  bench.restart();
  EXPECT_FALSE(bench.child(kHub).in_round);
  EXPECT_EQ(bench.child(kHub).gate, Gate::none);
  bench.link(kPump, true);
  bench.link(kValve, true);
  bench.run();
  EXPECT_EQ(bench.decisions(), "none") << "the hub has not been asked since";
}

TEST(GroupFaults, WhoDoesNotReturnAfterARestartBringsAllBack) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::testing));
  bench.now += hours{5};
  bench.restart();
  bench.link(kHub, true);
  bench.link(kValve, true);
  bench.run();
  EXPECT_EQ(bench.decisions(), "activate") << "it could not have returned while the daemon was down";
  bench.run_on([&] { return bench.decision() == Decision::back; });
  EXPECT_EQ(bench.now, kNow + hours{5} + bench.child(kPump).enrollment.patience.swap);
}

TEST(GroupFaults, ResumeStartsTheWaitForWhoMayNotReturn) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kPump, Phase::testing));
  bench.now += hours{5};
  const Output out = resume(bench.state, bench.now);
  EXPECT_EQ(out.actions.size(), 3U);
  const Instant then = bench.now + bench.child(kPump).enrollment.patience.swap;
  for (const Action& action : out.actions) EXPECT_EQ(action.step, (Step{Wait{then}})) << action.child;
}

TEST(GroupFaults, HowLongItMayTakeToReturnIsTheProfilesToSay) {
  GroupBench bench;
  bench.child(kPump).enrollment.patience.swap = minutes{10};
  ASSERT_TRUE(bench.go_to(kPump, Phase::activating));
  Enrollment known = bench.child(kPump).enrollment;
  bench.child(kPump).enrollment.patience = {};  // it is not persisted
  bench.now += hours{5};
  resume(bench.state, bench.now);
  bench.child(kPump).enrolled = false;
  bench.post(ChildEnrolled{known});
  EXPECT_EQ(bench.child(kPump).step, (Step{Wait{bench.now + minutes{10}}}));
}

// --------------------------------------------------------------------------------------- where a member is beforehand

TEST(GroupFaults, AMemberThatRunsTheNewImageAlreadyPassesEveryGate) {
  for (const ChildId& id : kMembers) {
    GroupBench bench;
    bench.flash.at(id).runs = kNew;
    bool was_touched = false;
    bench.watch = [&] {
      const std::string step = bench.step(id);
      was_touched = was_touched || (step != "inspect" && step != "wait" && step != "idle");
    };
    bench.link_all();
    bench.start();
    bench.run();
    EXPECT_EQ(bench.phases(), "confirmed") << id;
    EXPECT_FALSE(was_touched);
  }
}

TEST(GroupFaults, AMemberThatRunsTheNewImageAlreadyStaysInBack) {
  GroupBench bench;
  bench.flash.at(kHub).runs = kNew;
  bench.flash.at(kValve).refuses_new = true;
  ASSERT_TRUE(bench.go_to_decision(Decision::back));
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted");
  EXPECT_EQ(bench.truth(), "new old old") << "as before";
}

TEST(GroupFaults, AMemberThatRunsTheNewImageAlreadyNeedsNoPlaceForItAndMayBeBusy) {
  GroupBench bench;
  bench.flash.at(kHub).runs = kNew;
  bench.link_all();
  bench.start();
  Inspection seen = bench.flash.at(kHub).says();
  seen.staging = Staging::impossible;
  seen.busy = true;
  for (int i = 0; i < 20 && bench.phases() != "confirmed"; ++i) {
    if (bench.step(kHub) == "inspect") bench.says(kHub, seen);
    for (const ChildId& id : {kPump, kValve})
      if (bench.has_work(id)) bench.obey(id);
  }
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(GroupFaults, AMemberThatLeavesTheNewImageUnderwayIsSplit) {
  GroupBench bench;
  bench.flash.at(kHub).runs = kNew;
  ASSERT_TRUE(bench.go_to_decision(Decision::activate));
  bench.flash.at(kHub) = Flash{RevertClass::self_reverting, kOther};
  bench.run();
  EXPECT_EQ(bench.phases(), "split reverted reverted");
}

TEST(GroupFaults, AnUnconfirmedNewImageIsPlayedThroughFirst) {
  GroupBench bench;
  bench.flash.at(kPump) = Flash{RevertClass::self_reverting, kNew, kOld, false};
  bench.link_all();
  bench.start();
  ASSERT_TRUE(bench.run([&] { return bench.step(kPump) == "revert"; })) << bench.steps();
  EXPECT_EQ(bench.phases(), "preflight");
  bench.obey(kPump);
  EXPECT_TRUE(bench.flash.at(kPump).rests_on(kOld));
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(GroupFaults, AForeignMarkIsPlayedThroughFirst) {
  for (const Digest& marked : {kNew, kOther}) {
    GroupBench bench;
    bench.flash.at(kPump).other = marked;
    bench.flash.at(kPump).is_marked = true;
    bench.link_all();
    bench.start();
    ASSERT_TRUE(bench.run([&] { return bench.step(kPump) == "revert"; }));
    bench.run_on([&] { return bench.phases() == "confirmed"; });
    EXPECT_EQ(bench.phases(), "confirmed");
    EXPECT_EQ(bench.truth(), "new");
  }
}

TEST(GroupFaults, AMarkOnOneThatCannotBeBroughtBackMakesItNewBeforehand) {
  GroupBench bench(kInOrder, {{kPump, RevertClass::irrevocable}});
  bench.flash.at(kPump).other = kNew;
  bench.flash.at(kPump).is_marked = true;
  bench.link_all();
  bench.start();
  bench.run_on([&] { return bench.phases() == "confirmed"; });
  EXPECT_EQ(bench.truth(), "new");
  EXPECT_FALSE(bench.update(kPump).pivot);
}

// ------------------------------------------------------------------------------------------------------------ restore

TEST(GroupFaults, AFurtherAttemptWaitsForAMembersConfiguration) {
  GroupBench bench;
  bench.flash.at(kValve).refuses_new = true;
  ASSERT_TRUE(bench.go_to(kPump, Phase::backing_up));
  bench.answer(kPump, BackedUp{kOther});
  ASSERT_TRUE(bench.run([&] { return bench.step(kPump) == "restore"; }));
  for (const ChildId& id : {kHub, kValve})
    while (bench.has_work(id)) bench.obey(id);
  bench.now = bench.update(kHub).until;
  bench.post(TimePassed{kHub, bench.child(kHub).step_number});
  EXPECT_EQ(bench.phases(), "preflight");
  EXPECT_EQ(bench.step(kPump), "restore") << "what is being written back is written to its end";
  bench.obey(kHub);
  bench.obey(kValve);
  EXPECT_EQ(bench.phases(), "preflight");
  bench.answer(kPump, Restored{});
  EXPECT_EQ(bench.step(kPump), "inspect");
  bench.flash.at(kValve).refuses_new = false;
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
}

}  // namespace
}  // namespace hg::core::table
