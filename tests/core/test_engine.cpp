// SPDX-License-Identifier: Apache-2.0
// The state machine by tables: (phase, what happens) -> (phase, step), values in and values out.
#include <gtest/gtest.h>

#include "core/table_child.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct Row {
  const char* name;
  Phase from;
  StepAnswer answer;
  Phase to;
  const char* step;
};

class Good : public testing::TestWithParam<Row> {};

TEST_P(Good, AnswerLeadsOn) {
  const Row& row = GetParam();
  Bench bench;
  bench.go_to(row.from);
  ASSERT_EQ(bench.update().phase, row.from);
  bench.answer(row.answer);
  EXPECT_EQ(bench.phase(), name_of(row.to));
  EXPECT_EQ(bench.step(), row.step) << "after " << row.name;
}

const Error kRefused{Errc::denied, "group 1 rc 32"};
const Error kSilence{Errc::timed_out, "no answer"};

INSTANTIATE_TEST_SUITE_P(
    Table, Good,
    testing::Values(Row{"old_runs", Phase::preflight, normal(), Phase::offered, "offer"},
                    Row{"new_runs_already", Phase::preflight, after_confirm(), Phase::confirmed, "wait"},
                    Row{"new_is_under_test", Phase::preflight, under_test(), Phase::testing, "confirm"},
                    Row{"new_is_marked", Phase::preflight, marked(), Phase::activating, "activate"},
                    Row{"new_is_staged", Phase::preflight, uploaded(), Phase::offered, "offer"},
                    Row{"foreign_mark", Phase::preflight, foreign_mark(), Phase::preflight, "revert"},
                    Row{"foreign_test", Phase::preflight, foreign_test(), Phase::preflight, "revert"},
                    Row{"no_active_slot", Phase::preflight, silent_about_active(), Phase::deferred, "wait"},
                    Row{"preflight_silence", Phase::preflight, StepFailed{kSilence}, Phase::preflight, "wait"},
                    Row{"offer_yes", Phase::offered, OfferAnswer{}, Phase::backing_up, "backup"},
                    Row{"offer_no", Phase::offered, OfferAnswer{Willing::no, {}, "no"}, Phase::refused, "wait"},
                    Row{"offer_later", Phase::offered, OfferAnswer{Willing::later, {}, ""}, Phase::deferred, "wait"},
                    Row{"offer_failed", Phase::offered, StepFailed{kSilence}, Phase::deferred, "wait"},
                    Row{"backed_up", Phase::backing_up, BackedUp{}, Phase::transferring, "deliver"},
                    Row{"delivered", Phase::transferring, Delivered{}, Phase::staged, "inspect"},
                    Row{"transfer_failed", Phase::transferring, StepFailed{kSilence}, Phase::deferred, "wait"},
                    Row{"staged_and_listed", Phase::staged, uploaded(), Phase::activating, "activate"},
                    Row{"staged_not_listed", Phase::staged, normal(), Phase::deferred, "wait"},
                    Row{"staged_third", Phase::staged, other(), Phase::deferred, "wait"},
                    Row{"staged_runs_new", Phase::staged, after_confirm(), Phase::confirmed, "wait"},
                    Row{"activated", Phase::activating, Ordered{under_test()}, Phase::testing, "confirm"},
                    Row{"activated_self_confirmed", Phase::activating, Ordered{only_new()}, Phase::confirmed, "wait"},
                    Row{"came_back_old", Phase::activating, Ordered{after_revert()}, Phase::reverted, "wait"},
                    Row{"bootloader_erased_it", Phase::activating, Ordered{normal()}, Phase::reverted, "wait"},
                    Row{"marked_no_reset", Phase::activating, Ordered{marked()}, Phase::activating, "activate"},
                    Row{"came_back_third", Phase::activating, Ordered{other()}, Phase::split, "wait"},
                    Row{"guard_new", Phase::activating, GuardFailed{under_test()}, Phase::testing, "confirm"},
                    Row{"guard_other", Phase::activating, GuardFailed{other()}, Phase::split, "wait"},
                    Row{"activate_unknown", Phase::activating, StepFailed{kSilence}, Phase::activating, "wait"},
                    Row{"confirmed", Phase::testing, Ordered{after_confirm()}, Phase::confirmed, "wait"},
                    Row{"confirm_ignored", Phase::testing, Ordered{under_test()}, Phase::testing, "confirm"},
                    Row{"fell_back_after_commit", Phase::testing, GuardFailed{after_revert()}, Phase::activating,
                        "activate"},
                    Row{"fell_back_and_erased", Phase::testing, GuardFailed{normal()}, Phase::split, "wait"},
                    Row{"confirm_refused", Phase::testing, StepFailed{kRefused}, Phase::testing, "wait"},
                    Row{"third_under_test", Phase::testing, GuardFailed{other()}, Phase::split, "wait"}),
    [](const auto& row) { return std::string(row.param.name); });

struct BackRow {
  const char* name;
  StepAnswer answer;
  Phase to;
  const char* step;
};

class Back : public testing::TestWithParam<BackRow> {};

TEST_P(Back, GoesBackToTheOldImage) {
  Bench bench;
  bench.go_to_reverting();
  ASSERT_EQ(bench.phase(), "reverting");
  ASSERT_EQ(bench.step(), "inspect");
  bench.answer(GetParam().answer);
  EXPECT_EQ(bench.phase(), name_of(GetParam().to));
  EXPECT_EQ(bench.step(), GetParam().step);
}

INSTANTIATE_TEST_SUITE_P(Table, Back,
                         testing::Values(BackRow{"old_again", after_revert(), Phase::reverted, "wait"},
                                         BackRow{"never_marked", uploaded(), Phase::reverted, "wait"},
                                         BackRow{"mark_is_played_through", marked(), Phase::reverting, "revert"},
                                         BackRow{"under_test", under_test(), Phase::reverting, "revert"},
                                         BackRow{"confirmed_but_old_is_there", after_confirm(), Phase::reverting,
                                                 "revert"},
                                         BackRow{"confirmed_and_old_gone", only_new(), Phase::split, "wait"},
                                         BackRow{"third", other(), Phase::split, "wait"},
                                         BackRow{"silent", StepFailed{kSilence}, Phase::reverting, "wait"}),
                         [](const auto& row) { return std::string(row.param.name); });

// ------------------------------------------------------------------------------------------------------- preflight

struct RefusalRow {
  const char* name;
  void (*spoil)(Bench&);
  Reason reason;
};

class Preflight : public testing::TestWithParam<RefusalRow> {};

TEST_P(Preflight, RefusesByName) {
  Bench bench;
  GetParam().spoil(bench);
  bench.link(true);
  bench.says(normal());
  bench.start();
  bench.says(normal());
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(name_of(bench.update().cause.reason), name_of(GetParam().reason));
  EXPECT_FALSE(bench.update().cause.text.empty());
}

Image& image_of(Bench& bench) {
  return bench.state.deliverables.at(kDeliverable).images.front();
}

INSTANTIATE_TEST_SUITE_P(
    Table, Preflight,
    testing::Values(
        RefusalRow{"vendor", [](Bench& b) { image_of(b).vendor = {9}; }, Reason::does_not_fit},
        RefusalRow{"class", [](Bench& b) { image_of(b).device_class = {9}; }, Reason::does_not_fit},
        RefusalRow{"two_for_one_target",
                   [](Bench& b) {
                     auto& images = b.state.deliverables.at(kDeliverable).images;
                     images.push_back(images.front());
                   },
                   Reason::ambiguous},
        RefusalRow{"below_the_floor", [](Bench& b) { b.child().floors["boiler"] = 8; }, Reason::not_newer},
        RefusalRow{"plain_on_an_open_link", [](Bench& b) { b.child().enrollment.link = LinkProtection::none; },
                   Reason::no_protection},
        RefusalRow{"digest_cannot_be_told", [](Bench& b) { image_of(b).running_digest = {}; }, Reason::cannot_verify}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Preflight, SequenceEqualToTheFloorIsARedelivery) {
  Bench bench;
  bench.child().floors["boiler"] = 7;
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "offered");
}

TEST(Preflight, EncryptedImageMayTravelOnAnOpenLink) {
  Bench bench;
  bench.child().enrollment.link = LinkProtection::none;
  image_of(bench).encrypted = true;
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "offered");
}

TEST(Preflight, EqualDigestUnderAnotherImageNumberIsRefused) {
  Bench bench;
  bench.link(true);
  bench.start();
  Inspection twin = normal();
  twin.slots.push_back(slot(0, kNew, "ac"));
  twin.slots.back().image = 1;
  bench.says(twin);
  EXPECT_EQ(bench.update().cause.reason, Reason::same_as_other);
}

TEST(Preflight, BusyChildIsLeftAloneUntilLater) {
  Bench bench;
  bench.link(true);
  bench.start();
  Inspection busy = normal();
  busy.busy = true;
  bench.says(busy);
  EXPECT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.update().cause.reason, Reason::child_busy);
  bench.wait_out();
  EXPECT_EQ(bench.phase(), "preflight");
}

TEST(Preflight, ForeignMarkIsPlayedThroughAtMostTwice) {
  Bench bench;
  bench.link(true);
  bench.start();
  bench.says(foreign_mark());
  ASSERT_EQ(bench.step(), "revert");
  EXPECT_EQ(std::get<Revert>(bench.child().step).moves.front().goal, kOld);
  bench.answer(Ordered{foreign_test()});
  ASSERT_EQ(bench.step(), "revert");
  EXPECT_EQ(std::get<Revert>(bench.child().step).moves.front().active, kOther);
  bench.answer(Ordered{foreign_test()});
  EXPECT_EQ(bench.phase(), "deferred");
}

// -------------------------------------------------------------------------------------------- attempts and patience

TEST(Attempts, FiveFailuresThenTwentyFourHoursOfRest) {
  Bench bench;
  bench.go_to(Phase::transferring);
  for (int attempt = 1; attempt <= 5; ++attempt) {
    ASSERT_EQ(bench.step(), "deliver") << attempt;
    bench.fails(Errc::timed_out);
    if (attempt == 5) break;
    ASSERT_EQ(bench.phase(), "deferred") << attempt;
    const Instant failed_at = bench.now;
    bench.wait_out();  // the pause after silence
    while (bench.phase() == "deferred") {
      if (bench.step() == "inspect") bench.says(normal());
      bench.wait_out();
    }
    EXPECT_GE(bench.now - failed_at, seconds{30} * (1 << (attempt - 1)));
    bench.says(normal());
    bench.answer(OfferAnswer{});
    bench.answer(BackedUp{});
  }
  EXPECT_EQ(bench.phase(), "resting");
  EXPECT_EQ(bench.update().until - bench.now, hours{24});
}

TEST(Attempts, SilentChildFailsThePreflightAfterThreeQuestions) {
  Bench bench;
  bench.link(true);
  bench.start();
  for (int question = 0; question < 3; ++question) {
    ASSERT_EQ(bench.step(), "inspect");
    bench.fails(Errc::timed_out);
    if (question < 2) bench.wait_out();
  }
  EXPECT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.update().cause.reason, Reason::not_answering);
}

TEST(Attempts, ALineThatGoesAwayIsNotAFailure) {
  Bench bench;
  bench.go_to(Phase::transferring);
  bench.link(false);
  EXPECT_EQ(bench.step(), "idle");
  bench.link(true);
  EXPECT_EQ(bench.step(), "deliver");
  EXPECT_EQ(bench.update().attempts, 0U);
}

TEST(Attempts, SilenceAfterActivateEndsInBackWhenTheTimeForASwapHasPassed) {
  Bench bench;
  bench.go_to(Phase::activating);
  const Instant begun = bench.now;
  bench.fails(Errc::timed_out);
  for (int question = 0; question < 100 && bench.phase() == "activating"; ++question) {
    bench.wait_out();
    ASSERT_EQ(bench.step(), "inspect") << "an order must not be repeated blindly";
    bench.fails(Errc::timed_out);
  }
  EXPECT_EQ(bench.phase(), "reverting");
  EXPECT_GE(bench.now - begun, bench.child().enrollment.patience.swap);
  EXPECT_EQ(bench.update().decision, Decision::back);
}

TEST(Attempts, AChildThatNeverResetsIsGivenUpAfterABoundedNumberOfOrders) {
  Bench bench;
  bench.go_to(Phase::activating);
  int orders = 0;
  while (bench.phase() == "activating" && orders < 100) {
    ASSERT_EQ(bench.step(), "activate");
    ++orders;
    bench.answer(Ordered{marked()});
  }
  EXPECT_EQ(bench.phase(), "reverting");
  EXPECT_LE(orders, 6);
}

TEST(Attempts, AChildThatRefusesToBeConfirmedEndsInSplitWithItsReason) {
  Bench bench;
  bench.go_to(Phase::testing);
  for (int i = 0; i < 100 && bench.phase() == "testing"; ++i) {
    if (bench.step() == "confirm") bench.answer(StepFailed{kRefused});
    if (bench.step() == "wait") bench.wait_out();
    if (bench.step() == "inspect") bench.says(under_test());
  }
  EXPECT_EQ(bench.phase(), "split");
  EXPECT_EQ(bench.update().cause.reason, Reason::confirm_refused);
}

TEST(Health, TheNewImageMustHaveRunForAWhileBeforeItIsConfirmed) {
  Bench bench;
  bench.child().enrollment.patience.health = seconds{60};
  bench.go_to(Phase::testing);
  ASSERT_EQ(bench.phase(), "testing");
  ASSERT_EQ(bench.step(), "wait");
  EXPECT_EQ(bench.update().decision, Decision::activate);
  bench.wait_out();
  ASSERT_EQ(bench.step(), "inspect");
  bench.says(under_test());
  EXPECT_EQ(bench.update().decision, Decision::commit);
  EXPECT_EQ(bench.step(), "confirm");
}

TEST(Health, FallingBackBeforeCommitIsAReturnToOld) {
  Bench bench;
  bench.child().enrollment.patience.health = seconds{60};
  bench.go_to(Phase::testing);
  bench.wait_out();
  bench.says(after_revert());
  EXPECT_EQ(bench.phase(), "reverted");
  EXPECT_NE(bench.update().until, Instant{}) << "tried again later";
}

// -------------------------------------------------------------------------------------------------------- recovery

TEST(Recovery, AnOrderThatMayHaveBeenGivenIsLookedIntoFirst) {
  Bench bench;
  bench.go_to(Phase::activating);
  ASSERT_EQ(bench.step(), "activate");
  bench.restart();
  EXPECT_EQ(bench.step(), "inspect");
  bench.says(under_test());
  EXPECT_EQ(bench.step(), "confirm") << "it had been carried out: not again";
}

TEST(Recovery, AnOrderThatWasNeverCarriedOutIsGivenAgain) {
  Bench bench;
  bench.go_to(Phase::activating);
  bench.restart();
  bench.says(uploaded());
  EXPECT_EQ(bench.step(), "activate");
}

TEST(Recovery, AMarkWithoutItsResetIsCompleted) {
  Bench bench;
  bench.go_to(Phase::activating);
  bench.restart();
  bench.says(marked());
  EXPECT_EQ(bench.step(), "activate");
}

TEST(Recovery, AfterEveryPhaseARestartGoesOn) {
  for (const Phase phase : {Phase::preflight, Phase::offered, Phase::backing_up, Phase::transferring, Phase::staged,
                            Phase::activating, Phase::testing}) {
    Bench bench;
    bench.go_to(phase);
    bench.restart();
    bench.obey_to_the_end(phase);
    EXPECT_EQ(bench.phase(), "confirmed") << "restarted in " << name_of(phase);
  }
}

TEST(Recovery, AnswersToAnEarlierStepAreDropped) {
  Bench bench;
  bench.go_to(Phase::transferring);
  const StepNumber stale = bench.child().step_number - 1;
  const State before = bench.state;
  const Output out = bench.post(StepEnded{kBoiler, stale, Delivered{}});
  EXPECT_TRUE(out.changes.empty());
  EXPECT_TRUE(out.actions.empty());
  EXPECT_EQ(before, bench.state);
}

TEST(Recovery, ADeliveredThatAnswersAnotherStepChangesNoPhase) {
  Bench bench;
  bench.go_to(Phase::activating);
  bench.answer(Delivered{});
  EXPECT_EQ(bench.phase(), "activating");
}

// ------------------------------------------------------------------------------------------------- operator requests

TEST(Rollout, UnknownDeliverableIsRefused) {
  Bench bench;
  const Output out = bench.post(RolloutRequested{"nothing", {}, 0});
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->code, Errc::not_found);
  EXPECT_TRUE(out.changes.empty());
}

TEST(Rollout, UnknownChildIsRefused) {
  Bench bench;
  const Output out = bench.start({"nobody"});
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->code, Errc::not_found);
}

TEST(Rollout, WithoutNamesItGoesToAllThatItFits) {
  Bench bench;
  Enrollment stranger = enrollment();
  stranger.id = "fridge";
  stranger.device_class = {3};
  bench.post(ChildEnrolled{stranger});
  bench.start({});
  EXPECT_TRUE(bench.child().update);
  EXPECT_FALSE(bench.state.children.at("fridge").update);
}

TEST(Rollout, FitsNobody) {
  Bench bench;
  image_of(bench).device_class = {9};
  EXPECT_EQ(bench.start({}).refusal->code, Errc::mismatch);
}

TEST(Rollout, AChildPastActivateIsNotDisturbed) {
  Bench bench;
  bench.go_to(Phase::activating);
  EXPECT_EQ(bench.start().refusal->code, Errc::busy);
  EXPECT_EQ(bench.phase(), "activating");
}

TEST(Rollout, ATransferUnderWayIsSuperseded) {
  Bench bench;
  bench.go_to(Phase::transferring);
  const Epoch first = bench.update().epoch;
  bench.start();
  EXPECT_GT(bench.update().epoch, first);
  EXPECT_EQ(bench.phase(), "preflight");
  EXPECT_EQ(bench.step(), "inspect");
}

TEST(Rollout, OldOnesAreForgottenButNotThoseOfLiveUpdates) {
  Bench bench;
  bench.go_to(Phase::activating);  // rollout 1 is referred to
  Enrollment pump = enrollment();
  pump.id = "pump";
  bench.post(ChildEnrolled{pump});
  for (std::size_t i = 0; i < 2 * kMaxRollouts; ++i) bench.start({"pump"});
  EXPECT_LE(bench.state.rollouts.size(), kMaxRollouts + 1);
  EXPECT_TRUE(bench.state.rollouts.contains(1));
}

TEST(Announcement, IsRememberedUntilItIsSettledAndTheyAreBounded) {
  Bench bench;
  EXPECT_EQ(bench.post(AnnouncementHeard{"https://a/1"}).changes.size(), 1U);
  EXPECT_TRUE(bench.post(AnnouncementHeard{"https://a/1"}).changes.empty()) << "heard twice is remembered once";
  for (std::size_t i = 2; i <= kMaxAnnounced; ++i) bench.post(AnnouncementHeard{"https://a/" + std::to_string(i)});
  EXPECT_EQ(bench.post(AnnouncementHeard{"https://a/more"}).refusal->code, Errc::busy);
  EXPECT_EQ(bench.post(AnnouncementSettled{"https://a/1"}).changes.size(), 1U);
  EXPECT_FALSE(bench.state.announced.contains("https://a/1"));
}

TEST(Abort, BeforeActivateItIsWithdrawn) {
  Bench bench;
  bench.go_to(Phase::transferring);
  bench.post(UpdateAborted{bench.update().epoch});
  EXPECT_EQ(bench.phase(), "cancelled");
  EXPECT_EQ(bench.step(), "wait");
}

TEST(Abort, AfterActivateItMeansBackAndIsNotTriedAgain) {
  Bench bench;
  bench.go_to_reverting();
  bench.says(under_test());
  ASSERT_EQ(bench.step(), "revert");
  bench.answer(Ordered{after_revert()});
  EXPECT_EQ(bench.phase(), "reverted");
  EXPECT_EQ(bench.update().until, Instant{});
  EXPECT_TRUE(is_over(bench.update()));
}

TEST(Abort, AfterCommitItIsRefused) {
  Bench bench;
  bench.go_to(Phase::testing);
  const Output out = bench.post(UpdateAborted{bench.update().epoch});
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->code, Errc::busy);
}

TEST(Abort, OfAnEndedUpdateIsNotFound) {
  Bench bench;
  bench.go_to(Phase::confirmed);
  EXPECT_EQ(bench.post(UpdateAborted{bench.update().epoch}).refusal->code, Errc::not_found);
}

// ----------------------------------------------------------------------------------------------------- what is shown

TEST(Floor, IsRaisedWhenTheChildHasConfirmed) {
  Bench bench;
  bench.go_to(Phase::confirmed);
  EXPECT_EQ(bench.child().floors.at("boiler"), 7U);
}

TEST(Belief, ALocalChangeAfterTheEndIsNoticed) {
  Bench bench;
  bench.go_to(Phase::confirmed);
  bench.wait_out();  // the next look
  ASSERT_EQ(bench.step(), "inspect");
  bench.says(other());
  EXPECT_EQ(bench.phase(), "split") << "neither old nor new";
  EXPECT_EQ(bench.update().cause.reason, Reason::third_version);
  bench.wait_out();
  bench.says(after_revert());
  EXPECT_EQ(bench.phase(), "split") << "COMMIT stands";
  bench.wait_out();
  bench.says(after_confirm());
  EXPECT_EQ(bench.phase(), "confirmed") << "the child's own report ends it";
}

TEST(Belief, AChildIsInspectedWhenItsLinkComesUp) {
  Bench bench;
  EXPECT_EQ(bench.step(), "idle");
  bench.link(true);
  EXPECT_EQ(bench.step(), "inspect");
  bench.says(normal());
  EXPECT_EQ(bench.child().seen, normal());
  EXPECT_EQ(bench.step(), "wait");
}

TEST(History, HasALineForEachPhase) {
  Bench bench;
  bench.go_to(Phase::confirmed);
  std::vector<std::string> phases;
  for (const PutHistory& line : bench.history) phases.emplace_back(name_of(line.phase));
  const std::vector<std::string> expected{"preflight", "offered",    "backing-up", "transferring",
                                          "staged",    "activating", "testing",    "confirmed"};
  EXPECT_EQ(phases, expected);
}

TEST(Clock, SetBackDoesNotMakeADeferredUpdateWaitAgain) {
  Bench bench;
  bench.go_to(Phase::transferring);
  bench.fails(Errc::timed_out);
  bench.wait_out();
  bench.says(normal());
  ASSERT_EQ(bench.step(), "wait");
  bench.now -= hours{5};
  bench.post(TimePassed{kBoiler, bench.child().step_number});
  EXPECT_EQ(bench.phase(), "preflight");
}

}  // namespace
}  // namespace hg::core::table
