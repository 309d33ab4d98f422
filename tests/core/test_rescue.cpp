// SPDX-License-Identifier: Apache-2.0
// Children in their bootloader's recovery: the rescue of one that was found there, and an ordinary update that comes
// upon it, phase by phase. And what the engine makes of a child that cannot be staged, confirms itself, or is busy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/table_parts.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;

const Error kSilence{Errc::timed_out, "no answer"};

/// After a reset the application runs what was written to it.
Inspection rescued() {
  Inspection seen = only_new();
  seen.revert_class = RevertClass::self_reverting;
  return seen;
}

class RescueBench : public Bench {
 public:
  void go_to(Phase phase) {
    link(true);
    start();
    if (phase == Phase::preflight) return;
    says(in_recovery());
    if (phase == Phase::transferring) return;
    answer(Delivered{});
    if (phase == Phase::staged) return;
    says(in_recovery({slot(0, kNew, "")}));
    if (phase == Phase::activating) return;
    answer(Ordered{with({slot(0, kNew, "a")})});
  }
};

// ---------------------------------------------------------------------------------------------------------- rescue

TEST(Rescue, OverwritesWhatIsThereResetsAndIsJudgedAsUsual) {
  RescueBench bench;
  bench.go_to(Phase::transferring);
  EXPECT_EQ(bench.phase(), "transferring") << "nothing runs that could be asked or backed up";
  EXPECT_EQ(std::get<Deliver>(bench.child().step), (Deliver{kBlob, 4096, 0, kNew, Staging::in_place}));
  bench.answer(Delivered{});
  ASSERT_EQ(bench.phase(), "staged");
  bench.says(in_recovery({}));
  EXPECT_EQ(bench.update().decision, Decision::activate) << "a recovery need not list what it holds";
  EXPECT_THAT(std::get<Activate>(bench.child().step).moves, ElementsAre(Move{0, {}, kNew}));
  bench.answer(Ordered{rescued()});
  EXPECT_EQ(bench.phase(), "confirmed");
  EXPECT_EQ(bench.child().floors.at("boiler"), 7U);
  EXPECT_FALSE(bench.child().confirms_itself) << "a rescued image is not tested";
}

TEST(Rescue, BringsAllImages) {
  Bench2 bench;
  bench.link(true);
  bench.start();
  bench.says(in_recovery());
  bench.answer(Delivered{});
  bench.answer(Delivered{});
  bench.says(in_recovery());
  EXPECT_THAT(std::get<Activate>(bench.child().step).moves, ElementsAre(Move{0, {}, kNew}, Move{1, {}, kRadioNew}));
  bench.answer(Ordered{both(only_new(), radio_only_new())});
  EXPECT_EQ(bench.phase(), "confirmed");
}

struct Row {
  const char* name;
  Phase from;
  StepAnswer answer;
  Phase to;
  const char* step;
  Decision decision = Decision::none;
};

class RescueThat : public testing::TestWithParam<Row> {};

TEST_P(RescueThat, LeadsOn) {
  const Row& row = GetParam();
  RescueBench bench;
  bench.go_to(row.from);
  ASSERT_EQ(bench.update().phase, row.from);
  bench.answer(row.answer);
  EXPECT_EQ(bench.phase(), name_of(row.to)) << bench.update().cause.text;
  EXPECT_EQ(bench.step(), row.step);
  if (row.to != Phase::confirmed) {
    EXPECT_EQ(name_of(bench.update().decision), name_of(row.decision));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, RescueThat,
    testing::Values(Row{"fails_in_its_transfer", Phase::transferring, StepFailed{kSilence}, Phase::deferred, "wait"},
                    Row{"runs_again_before_a_byte", Phase::transferring, GuardFailed{normal()}, Phase::deferred,
                        "wait"},
                    Row{"booted_already", Phase::staged, rescued(), Phase::confirmed, "wait"},
                    Row{"found_another_application", Phase::staged, other(), Phase::deferred, "wait"},
                    Row{"is_still_in_recovery", Phase::activating, Ordered{in_recovery()}, Phase::deferred, "wait"},
                    Row{"was_perhaps_never_reset", Phase::activating, GuardFailed{in_recovery()}, Phase::activating,
                        "activate", Decision::activate},
                    Row{"boots_another_application", Phase::activating, Ordered{other()}, Phase::deferred, "wait"},
                    Row{"boots_the_old_application", Phase::activating, Ordered{normal()}, Phase::deferred, "wait"},
                    Row{"is_silent_at_first", Phase::activating, StepFailed{kSilence}, Phase::activating, "wait",
                        Decision::activate},
                    Row{"boots_unconfirmed", Phase::activating, Ordered{with({slot(0, kNew, "a")})}, Phase::testing,
                        "confirm", Decision::commit},
                    Row{"falls_into_recovery_after_commit", Phase::testing, GuardFailed{in_recovery()},
                        Phase::activating, "activate", Decision::commit}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Rescue, ThatFailsIsTriedAgainAndThenRests) {
  RescueBench bench;
  bench.link(true);
  bench.start();
  unsigned transfers = 0;
  for (int i = 0; i < 500 && bench.phase() != "resting"; ++i) {
    if (bench.step() == "wait") bench.wait_out();
    if (bench.step() == "inspect") bench.says(in_recovery());
    if (bench.step() == "deliver") ++transfers, bench.answer(Delivered{});
    if (bench.step() == "activate") bench.answer(Ordered{in_recovery()});
  }
  EXPECT_EQ(bench.phase(), "resting");
  EXPECT_EQ(transfers, 5U);
  EXPECT_EQ(bench.update().cause.reason, Reason::in_recovery);
}

TEST(Rescue, ThatStaysSilentIsTriedAgainForThereIsNothingToGoBackTo) {
  RescueBench bench;
  bench.go_to(Phase::activating);
  for (int i = 0; i < 100 && bench.phase() == "activating"; ++i) {
    if (bench.step() == "wait")
      bench.wait_out();
    else
      bench.fails(Errc::timed_out);
  }
  EXPECT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.update().decision, Decision::none);
  EXPECT_FALSE(bench.start().refusal) << "another rollout may take its place";
}

TEST(Rescue, IsNotAbortedBetweenItsResetAndItsEnd) {
  RescueBench bench;
  bench.go_to(Phase::activating);
  const Output out = bench.post(UpdateAborted{bench.update().epoch});
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->code, Errc::busy);
  bench.answer(Ordered{in_recovery()});
  ASSERT_EQ(bench.phase(), "deferred");
  EXPECT_FALSE(bench.post(UpdateAborted{bench.update().epoch}).refusal);
  EXPECT_EQ(bench.phase(), "cancelled");
}

TEST(Rescue, AskedForAgainAfterARestartIsLookedIntoFirst) {
  RescueBench bench;
  bench.go_to(Phase::activating);
  bench.restart();
  ASSERT_EQ(bench.step(), "inspect");
  bench.says(rescued());
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Rescue, IsHeldToFloorsAndConditions) {
  RescueBench floor;
  floor.child().floors["boiler"] = 8;
  floor.go_to(Phase::transferring);
  EXPECT_EQ(floor.update().cause.reason, Reason::not_newer);
  RescueBench version;
  version.state.deliverables.at(kDeliverable).images[0].conditions.versions = {{VersionOp::greater_equal, {1}}};
  version.go_to(Phase::transferring);
  EXPECT_EQ(version.update().cause.reason, Reason::version_condition) << "nothing runs that it could follow";
}

// ------------------------------------------------------------------------- recovery in the middle of an ordinary
// update

class InTheMiddle : public testing::TestWithParam<Row> {};

TEST_P(InTheMiddle, RecoveryIsNoGuess) {
  const Row& row = GetParam();
  Bench bench;
  bench.go_to(row.from);
  ASSERT_EQ(bench.update().phase, row.from);
  bench.answer(row.answer);
  EXPECT_EQ(bench.phase(), name_of(row.to)) << bench.update().cause.text;
  EXPECT_EQ(bench.step(), row.step);
  EXPECT_EQ(name_of(bench.update().decision), name_of(row.decision));
  EXPECT_TRUE(bench.child().seen->is_in_recovery()) << "what it said is shown";
}

INSTANTIATE_TEST_SUITE_P(
    Table, InTheMiddle,
    testing::Values(
        Row{"preflight", Phase::preflight, in_recovery(), Phase::transferring, "deliver"},
        Row{"offered", Phase::offered, in_recovery(), Phase::transferring, "deliver"},
        Row{"transferring", Phase::transferring, in_recovery(), Phase::transferring, "deliver"},
        Row{"staged", Phase::staged, in_recovery(), Phase::deferred, "wait"},
        Row{"activating", Phase::activating, Ordered{in_recovery()}, Phase::activating, "wait", Decision::activate},
        Row{"testing_after_commit", Phase::testing, GuardFailed{in_recovery()}, Phase::activating, "activate",
            Decision::commit},
        Row{"transferring_before_a_byte", Phase::transferring, GuardFailed{in_recovery()}, Phase::deferred, "wait"},
        Row{"confirmed", Phase::confirmed, in_recovery(), Phase::split, "wait", Decision::commit}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(InRecovery, AfterActivateItIsWaitedForAndThenResetAndThenSplit) {
  Bench bench;
  bench.go_to(Phase::activating);
  const Instant begun = bench.now;
  unsigned reverts = 0;
  for (int i = 0; i < 200 && bench.phase() != "split"; ++i) {
    if (bench.step() == "activate") bench.answer(Ordered{in_recovery()});
    if (bench.step() == "inspect") bench.says(in_recovery());
    if (bench.step() == "wait") bench.wait_out();
    if (bench.step() != "revert") continue;
    EXPECT_GE(bench.now - begun, bench.child().enrollment.patience.swap);
    EXPECT_THAT(std::get<Revert>(bench.child().step).moves, ElementsAre(Move{0, {}, kOld}));
    ++reverts;
    bench.answer(Ordered{in_recovery()});
  }
  EXPECT_EQ(bench.phase(), "split");
  EXPECT_LE(reverts, 6U);
  EXPECT_GT(reverts, 0U);
  EXPECT_FALSE(bench.start().refusal);
  bench.says(in_recovery());
  EXPECT_EQ(bench.phase(), "transferring") << "a new rollout rescues it";
}

TEST(InRecovery, FoundWhenTheImageIsSentItIsSeenSaidAndRescuedAtTheNextAttempt) {
  Bench bench;
  bench.go_to(Phase::transferring);
  EXPECT_EQ(std::get<Deliver>(bench.child().step).staging, Staging::aside);
  bench.answer(GuardFailed{in_recovery()});
  EXPECT_EQ(bench.update().cause.reason, Reason::in_recovery);
  EXPECT_EQ(bench.update().attempts, 1U);
  bench.wait_out();
  ASSERT_EQ(bench.step(), "inspect") << "it is looked at again before anything is overwritten";
  bench.says(in_recovery());
  ASSERT_EQ(bench.phase(), "transferring");
  EXPECT_EQ(std::get<Deliver>(bench.child().step).staging, Staging::in_place);
  bench.answer(GuardFailed{normal()});
  EXPECT_EQ(bench.update().cause.reason, Reason::transfer_failed);
  bench.wait_out();
  bench.says(normal());
  EXPECT_EQ(bench.phase(), "offered") << "and what runs again is asked as usual";
}

TEST(InRecovery, NoPlaceForTheImageWhenItIsSentIsSaid) {
  Bench bench;
  bench.go_to(Phase::transferring);
  Inspection nowhere = normal();
  nowhere.staging = Staging::impossible;
  nowhere.obstacle = "direct-XIP";
  bench.answer(GuardFailed{nowhere});
  EXPECT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.update().cause, (Cause{Reason::not_stageable, "direct-XIP"}));
}

TEST(InRecovery, OnItsWayUpIsNoFailure) {
  Bench bench;
  bench.go_to(Phase::activating);
  bench.answer(Ordered{in_recovery()});
  bench.wait_out();
  ASSERT_EQ(bench.step(), "inspect");
  bench.says(under_test());
  EXPECT_EQ(bench.phase(), "testing");
}

TEST(InRecovery, UnderTestBeforeCommitItIsWaitedFor) {
  Bench bench;
  bench.child().enrollment.patience.health = seconds{60};
  bench.go_to(Phase::testing);
  bench.wait_out();
  bench.says(in_recovery());
  EXPECT_EQ(bench.phase(), "testing");
  bench.wait_out();
  bench.says(after_revert());
  EXPECT_EQ(bench.phase(), "reverted");
}

TEST(InRecovery, AfterCommitItIsResetForwardABoundedNumberOfTimes) {
  Bench bench;
  bench.go_to(Phase::testing);
  bench.answer(GuardFailed{in_recovery()});
  unsigned resets = 0;
  while (bench.phase() == "activating" && resets < 100) {
    ASSERT_EQ(bench.step(), "activate");
    EXPECT_THAT(std::get<Activate>(bench.child().step).moves, ElementsAre(Move{0, {}, kNew}));
    ++resets;
    bench.answer(Ordered{in_recovery()});
  }
  EXPECT_EQ(bench.phase(), "split");
  EXPECT_LE(resets, 6U);
  EXPECT_EQ(bench.update().decision, Decision::commit);
}

TEST(InRecovery, FoundAfterTheEndIsSplitUntilTheChildSaysOtherwise) {
  Bench bench;
  bench.go_to(Phase::confirmed);
  bench.wait_out();
  bench.says(in_recovery());
  EXPECT_EQ(bench.phase(), "split");
  EXPECT_EQ(bench.update().cause.reason, Reason::in_recovery);
  bench.wait_out();
  bench.says(in_recovery());
  EXPECT_EQ(bench.phase(), "split");
  bench.wait_out();
  bench.says(after_confirm());
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(InRecovery, ChildInSplitStaysThere) {
  Bench bench;
  bench.go_to(Phase::activating);
  bench.answer(Ordered{other()});
  bench.wait_out();
  bench.says(in_recovery());
  EXPECT_EQ(bench.phase(), "split");
  EXPECT_EQ(bench.step(), "wait");
}

// -------------------------------------------------------------------------------------------------- cannot be staged

TEST(Staging, ImpossibleIsRefusedWithTheObstacle) {
  Bench bench;
  bench.go_to(Phase::preflight);
  Inspection seen = normal();
  seen.staging = Staging::impossible;
  seen.obstacle = "MCUboot mode 4: direct-XIP without revert";
  bench.says(seen);
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause, (Cause{Reason::not_stageable, seen.obstacle}));
}

TEST(Staging, ImpossibleDoesNotMatterToAChildThatRunsTheImageAlready) {
  Bench bench;
  bench.go_to(Phase::preflight);
  Inspection seen = only_new();
  seen.staging = Staging::impossible;
  bench.says(seen);
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Staging, OverAnApplicationThatRunsIsRefused) {
  Bench bench;
  bench.go_to(Phase::preflight);
  Inspection seen = normal();
  seen.staging = Staging::in_place;
  bench.says(seen);
  EXPECT_EQ(bench.update().cause.reason, Reason::not_stageable);
}

// ------------------------------------------------------------------------------------------------ the revert class

Inspection reporting(Inspection seen, RevertClass revert_class) {
  seen.revert_class = revert_class;
  return seen;
}

TEST(RevertClassOf, WhatTheChildReports) {
  Child child;
  EXPECT_EQ(revert_class_of(child), RevertClass::unknown);
  child.seen = reporting(normal(), RevertClass::self_reverting);
  EXPECT_EQ(revert_class_of(child), RevertClass::self_reverting);
}

TEST(RevertClassOf, AChildThatConfirmsItselfIsNeverSelfRevertingAgain) {
  Bench bench;
  bench.go_to(Phase::activating);
  bench.answer(Ordered{reporting(after_confirm(), RevertClass::self_reverting)});
  EXPECT_EQ(bench.phase(), "confirmed");
  EXPECT_TRUE(bench.child().confirms_itself);
  EXPECT_EQ(revert_class_of(bench.child()), RevertClass::swap_back);
  bench.wait_out();
  bench.says(reporting(after_confirm(), RevertClass::irrevocable));
  EXPECT_EQ(revert_class_of(bench.child()), RevertClass::irrevocable) << "never guessed upward";
}

TEST(RevertClassOf, IsNotWeakenedByWhatOthersConfirm) {
  Bench ours;
  ours.go_to(Phase::testing);
  ours.answer(Ordered{reporting(after_confirm(), RevertClass::self_reverting)});
  EXPECT_FALSE(ours.child().confirms_itself) << "we have";
  Bench theirs;
  theirs.child().enrollment.patience.health = seconds{60};
  theirs.go_to(Phase::preflight);
  theirs.says(under_test());
  theirs.wait_out();
  theirs.says(reporting(after_confirm(), RevertClass::self_reverting));
  EXPECT_EQ(theirs.phase(), "confirmed");
  EXPECT_FALSE(theirs.child().confirms_itself) << "whoever began the test may have";
  Bench permanent;
  permanent.go_to(Phase::activating);
  permanent.answer(Ordered{reporting(after_confirm(), RevertClass::irrevocable)});
  EXPECT_FALSE(permanent.child().confirms_itself) << "it was marked for good";
}

TEST(RevertClassOf, IsNotWeakenedByAMarkForGood) {
  Bench ordered;  // of two images and without confirm-all they are marked for good; the new one brings confirm-all
  ordered.go_to(Phase::staged);
  ordered.says(reporting(uploaded(), RevertClass::irrevocable));
  ordered.answer(Ordered{reporting(after_confirm(), RevertClass::self_reverting)});
  EXPECT_EQ(ordered.phase(), "confirmed");
  EXPECT_FALSE(ordered.child().confirms_itself) << "the order marked it for good";
  Bench found;
  found.go_to(Phase::preflight);
  Inspection for_good = reporting(marked(), RevertClass::self_reverting);
  for_good.slots[1].permanent = true;
  found.says(for_good);
  ASSERT_EQ(found.phase(), "activating");
  found.answer(Ordered{reporting(after_confirm(), RevertClass::self_reverting)});
  EXPECT_FALSE(found.child().confirms_itself) << "somebody had marked it for good";
}

TEST(RevertClassOf, IsWrittenDown) {
  Bench bench;
  bench.go_to(Phase::activating);
  const Output out = bench.answer(Ordered{reporting(after_confirm(), RevertClass::self_reverting)});
  const auto is_put = [](const Change& change) {
    const auto* put = std::get_if<PutChild>(&change);
    return put != nullptr && put->child.confirms_itself;
  };
  EXPECT_TRUE(std::ranges::any_of(out.changes, is_put));
}

// ------------------------------------------------------------------------------------------------------------ busy

Inspection busy_for(Inspection seen, Duration time) {
  seen.busy = true;
  seen.busy_for = time;
  return seen;
}

struct BusyRow {
  const char* name;
  Duration says;
  Duration waits;
  unsigned attempts;
};

class Busy : public testing::TestWithParam<BusyRow> {};

TEST_P(Busy, IsPutOff) {
  Bench bench;
  bench.go_to(Phase::preflight);
  Inspection seen = normal();
  seen.busy = true;
  seen.busy_for = GetParam().says;
  bench.says(seen);
  EXPECT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.update().cause.reason, Reason::child_busy);
  EXPECT_EQ(bench.update().attempts, GetParam().attempts);
  EXPECT_GE(bench.update().until - bench.now, GetParam().waits);
  EXPECT_LE(bench.update().until - bench.now, GetParam().waits + GetParam().waits / 10);
}

INSTANTIATE_TEST_SUITE_P(Table, Busy,
                         testing::Values(BusyRow{"for_a_time", minutes{5}, minutes{5}, 0},
                                         BusyRow{"for_a_moment", Duration{1}, seconds{2}, 0},
                                         BusyRow{"for_a_year", hours{8760}, hours{1}, 0},
                                         BusyRow{"for_a_time_unknown", Duration{0}, seconds{30}, 1},
                                         BusyRow{"for_less_than_nothing", Duration{-5}, seconds{30}, 1}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Busy, ChildIsNotResetWhenItsImageStandsThere) {
  Bench bench;
  bench.go_to(Phase::staged);
  bench.says(busy_for(uploaded(), minutes{7}));
  EXPECT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.update().cause.reason, Reason::child_busy);
  EXPECT_EQ(bench.update().decision, Decision::none);
  EXPECT_EQ(bench.update().attempts, 0U);
  EXPECT_EQ(std::get<Wait>(bench.child().step).at, bench.now + minutes{7});
  bench.wait_out();
  bench.obey_to_the_end(Phase::staged);
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Busy, ChildIsNotResetForAMarkOfItsOwnOrOfSomebodyElse) {
  for (const Inspection& seen : {marked(), foreign_mark()}) {
    Bench bench;
    bench.go_to(Phase::preflight);
    bench.says(busy_for(seen, minutes{7}));
    EXPECT_EQ(bench.phase(), "deferred");
    EXPECT_EQ(bench.update().cause.reason, Reason::child_busy);
  }
}

TEST(Busy, NoLongerMattersOnceActivateIsDecided) {
  Bench bench;
  bench.go_to(Phase::activating);
  bench.answer(GuardFailed{busy_for(marked(), minutes{7})});
  EXPECT_EQ(bench.step(), "activate") << "the mark cannot be taken back: the next reset of any kind plays it through";
}

// ------------------------------------------------------------------------------------------------------- the offer

TEST(Offer, SaysHowUrgentTheAdministratorFindsTheAuthorsPriority) {
  Bench bench;
  Policy policy;
  policy.urgency = {-5, 3};
  bench.post(PolicyChanged{policy});
  bench.go_to(Phase::offered);
  const auto urgency_at = [&](std::optional<std::int64_t> priority) {
    bench.state.deliverables.at(kDeliverable).priority = priority;
    return std::get<Offer>(next_step(bench.state, bench.child())).urgency;
  };
  EXPECT_EQ(urgency_at({}), Urgency::minor);
  EXPECT_EQ(urgency_at(4), Urgency::minor);
  EXPECT_EQ(urgency_at(3), Urgency::major);
  EXPECT_EQ(urgency_at(-5), Urgency::emergency);
}

// ------------------------------------------------------------------------------------------- the child's own counter

Inspection counting(Inspection seen, std::uint64_t boots) {
  seen.boots = boots;
  return seen;
}

/// Activate was given to a child that counted `before`, nobody knows whether it was carried out, and now it says
/// `seen`.
std::string phase_after_doubt(std::optional<std::uint64_t> before, const Inspection& seen) {
  Bench bench;
  bench.go_to(Phase::staged);
  Inspection staged = uploaded();
  staged.boots = before;
  bench.says(staged);
  bench.fails(Errc::timed_out);
  bench.wait_out();
  bench.says(seen);
  return bench.phase();
}

TEST(Boots, OneMoreShowsThatTheImageWasTriedAndFellBack) {
  EXPECT_EQ(phase_after_doubt(7, counting(after_revert(), 9)), "reverted");
}

TEST(Boots, AsManyOrNotToldProveNothingSoActivateIsGivenAgain) {
  EXPECT_EQ(phase_after_doubt(7, counting(after_revert(), 7)), "activating");
  EXPECT_EQ(phase_after_doubt(7, after_revert()), "activating");
  EXPECT_EQ(phase_after_doubt({}, counting(after_revert(), 9)), "activating");
}

TEST(Boots, AreRememberedOverARestart) {
  Bench bench;
  bench.go_to(Phase::staged);
  bench.says(counting(uploaded(), 7));
  bench.restart();
  bench.says(counting(after_revert(), 8));
  EXPECT_EQ(bench.phase(), "reverted");
  EXPECT_EQ(bench.update().cause.reason, Reason::came_back_old);
}

}  // namespace
}  // namespace hg::core::table
