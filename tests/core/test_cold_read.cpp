// SPDX-License-Identifier: Apache-2.0
// What a second cold read of the state machine found, each as the sequence that showed it.
#include <gtest/gtest.h>

#include "core/table_parts.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// As if the daemon had been killed, and started with this configuration.
void restart_with(Bench& b, const Enrollment& e) {
  resume(b.state, b.now);
  b.child().enrolled = false;
  b.post(ChildEnrolled{e});
  b.link(true);
}

/// The link goes in the midst of the step, and comes back.
void flap(Bench& b) {
  b.now += seconds{1};
  b.link(false);
  b.now += seconds{1};
  b.link(true);
}

// ------------------------------------------------------------------------------- a configuration that has changed

TEST(ChangedConfiguration, AcrossARestartIsHeldAgainstTheUpdateBeforeAnotherByte) {
  for (const Phase phase : {Phase::offered, Phase::backing_up, Phase::transferring, Phase::staged}) {
    Bench b;
    b.go_to(phase);
    Enrollment e = enrollment();
    e.link = LinkProtection::none;
    restart_with(b, e);
    ASSERT_EQ(b.step(), "inspect") << name_of(phase);
    b.says(uploaded());
    EXPECT_EQ(b.phase(), "refused") << name_of(phase);
    EXPECT_EQ(name_of(b.update().cause.reason), name_of(Reason::no_protection)) << name_of(phase);
  }
}
TEST(ChangedConfiguration, AcrossADropIsHeldAgainstTheUpdate) {
  Bench b;
  b.go_to(Phase::transferring);
  b.post(ChildDropped{kBoiler});
  Enrollment e = enrollment();
  e.device_class = {9};
  b.post(ChildEnrolled{e});
  b.link(true);
  ASSERT_EQ(b.step(), "inspect");
  b.says(normal());
  EXPECT_EQ(b.phase(), "refused");
  EXPECT_EQ(name_of(b.update().cause.reason), name_of(Reason::does_not_fit));
}
TEST(ChangedConfiguration, DoesNotMatterAfterActivate) {
  Bench b;
  b.go_to(Phase::activating);
  Enrollment e = enrollment();
  e.link = LinkProtection::none;
  restart_with(b, e);
  b.says(under_test());
  EXPECT_EQ(b.step(), "confirm") << "it has been sent and tried: only the way to its end is left";
}
TEST(ChangedConfiguration, IsHeldAgainstWhatIsStagedBeforeActivate) {
  Bench b;
  b.go_to(Phase::staged);
  b.child().enrollment.link = LinkProtection::none;
  b.says(uploaded());
  EXPECT_EQ(b.phase(), "refused");
  EXPECT_EQ(b.update().decision, Decision::none);
}
TEST(ChangedConfiguration, ThatWantsOtherPartsBringsThoseBeforeActivate) {
  Bench2 b;
  b.go_to(Phase::staged);
  b.child().enrollment.targets = {{"app", 0}};
  b.says(both(uploaded(), radio_uploaded()));
  EXPECT_EQ(b.phase(), "offered");
  ASSERT_EQ(b.update().parts.size(), 1U);
  EXPECT_EQ(b.update().parts.front().image_number, 0);
}
TEST(ChangedConfiguration, IsHeldAgainstARescueBeforeItsReset) {
  Bench b;
  b.link(true);
  b.start();
  b.says(in_recovery());
  b.answer(Delivered{});
  ASSERT_EQ(b.phase(), "staged");
  Deliverable& d = b.state.deliverables.at(kDeliverable);
  d.images.push_back(Image{"radio", {1}, {2}, kRadioBlob, 1000, "2.0.0", kRadioNew, false});
  b.child().enrollment.targets = {{"app", 0}, {"radio", 1}};
  b.says(in_recovery());
  EXPECT_EQ(b.phase(), "transferring") << "one of the images was never sent";
}
TEST(ChangedConfiguration, OfTheAddressGivesUpTheQuestionToTheOldBoard) {
  Bench b;
  b.link(true);
  b.start();
  ASSERT_EQ(b.step(), "inspect");
  const StepNumber asked = b.child().step_number;
  Enrollment e = enrollment();
  e.address = "/dev/ttyACM9";
  const Output out = b.post(ChildEnrolled{e});
  EXPECT_EQ(out.actions.size(), 1U);
  b.post(StepEnded{kBoiler, asked, normal()});
  EXPECT_EQ(b.phase(), "preflight") << "the old board has answered";
  EXPECT_FALSE(b.child().seen);
  EXPECT_EQ(b.step(), "inspect");
}
// ------------------------------------------------------------------------------------- links that go in a step

struct LossRow {
  const char* name;
  Phase phase;
  Reason reason;
};
class LostLink : public testing::TestWithParam<LossRow> {};

TEST_P(LostLink, InEveryTryFailsTheAttemptAtTheThird) {
  Bench b;
  b.go_to(GetParam().phase);
  const std::string asked = b.step();
  for (int loss = 1; loss <= 2; ++loss) {
    flap(b);
    EXPECT_EQ(b.update().attempts, 0U) << "a line that goes away is not a failure";
    EXPECT_EQ(b.step(), asked);
  }
  flap(b);
  EXPECT_EQ(b.phase(), "deferred");
  EXPECT_EQ(b.update().attempts, 1U);
  EXPECT_EQ(name_of(b.update().cause.reason), name_of(GetParam().reason));
  EXPECT_NE(b.update().cause.text.find("3 times"), std::string::npos) << b.update().cause.text;
}

INSTANTIATE_TEST_SUITE_P(Phases, LostLink,
                         testing::Values(LossRow{"preflight", Phase::preflight, Reason::not_answering},
                                         LossRow{"offered", Phase::offered, Reason::transfer_failed},
                                         LossRow{"backing_up", Phase::backing_up, Reason::transfer_failed},
                                         LossRow{"transferring", Phase::transferring, Reason::transfer_failed},
                                         LossRow{"staged", Phase::staged, Reason::not_answering}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(LostLinks, InEveryTransferComeToRest) {
  Bench b;
  b.go_to(Phase::transferring);
  int transfers = 0;
  for (int i = 0; i < 1000 && b.phase() != "resting"; ++i) {
    const std::string asked = b.step();
    if (asked == "deliver") ++transfers, flap(b);
    if (asked == "inspect") b.says(normal());
    if (asked == "offer") b.answer(OfferAnswer{});
    if (asked == "backup") b.answer(BackedUp{});
    if (asked == "wait") b.wait_out();
  }
  EXPECT_EQ(b.phase(), "resting");
  EXPECT_EQ(transfers, 15) << "three in each of five attempts";
}
TEST(LostLinks, ThatThePluginTellsAsAFailureFirstComeToRest) {
  Bench b;
  b.go_to(Phase::transferring);
  for (int loss = 1; loss <= 3; ++loss) {
    ASSERT_EQ(b.step(), "deliver") << loss;
    b.fails(Errc::unavailable);
    flap(b);
  }
  EXPECT_EQ(b.phase(), "deferred");
  EXPECT_EQ(b.update().attempts, 1U);
}
TEST(LostLinks, AreForgottenWhenAnImageHasArrived) {
  Bench2 b;
  b.go_to(Phase::transferring);
  flap(b);
  flap(b);
  b.answer(Delivered{});
  flap(b);
  flap(b);
  EXPECT_EQ(b.step(), "deliver");
  EXPECT_EQ(b.update().attempts, 0U);
}
TEST(LostLinks, OfAChildWithNothingToDoAreNoFailure) {
  Bench b;
  b.link(true);
  b.says(normal());
  for (int i = 0; i < 20; ++i) flap(b);
  EXPECT_EQ(b.step(), "inspect");
  b.start();
  flap(b);
  EXPECT_EQ(b.phase(), "preflight") << "they were not of this update";
}

class BootLoop : public testing::TestWithParam<bool> {};

TEST_P(BootLoop, FasterThanAnAnswerIsNoWayToPutOffTheEndOfAnActivation) {
  const bool is_rescue = GetParam();
  Bench b;
  if (is_rescue) {
    b.link(true);
    b.start();
    b.says(in_recovery());
    b.answer(Delivered{});
    b.says(in_recovery());
  } else {
    b.go_to(Phase::activating);
  }
  const Instant begun = b.now;
  while (b.phase() == "activating" && b.now - begun < hours{24}) {
    b.link(false);
    b.now += seconds{2};
    b.link(true);
    b.now += seconds{3};
  }
  EXPECT_EQ(b.phase(), is_rescue ? "deferred" : "reverting");
  EXPECT_EQ(name_of(b.update().cause.reason), name_of(Reason::not_answering));
  EXPECT_GE(b.now - begun, b.child().enrollment.patience.swap);
}
INSTANTIATE_TEST_SUITE_P(Of, BootLoop, testing::Bool(),
                         [](const auto& row) { return row.param ? "a_rescue" : "an_update"; });

TEST(BootLoopTest, AfterCommitAndInRevertingHasALine) {
  for (const bool is_committed : {true, false}) {
    Bench b;
    if (is_committed)
      b.go_to(Phase::testing);
    else
      b.go_to_reverting();
    const auto lines = b.history.size();
    const std::string phase = b.phase();
    for (int i = 0; i < 20; ++i) flap(b);
    EXPECT_EQ(b.phase(), phase) << "silence decides nothing here";
    EXPECT_EQ(b.history.size(), lines + 1) << phase;
  }
}
TEST(BootLoopTest, InRevertingCanBeGivenUpByOneCommand) {
  Bench b;
  b.go_to_reverting();
  for (int i = 0; i < 5; ++i) flap(b);
  EXPECT_FALSE(b.post(UpdateAborted{b.update().epoch}).refusal);
  EXPECT_EQ(b.phase(), "split") << "it is there whenever somebody looks, and never answers";
}
TEST(LostLinks, InAHealthTimeThatOutlastsASwapAreNotBack) {
  Bench b;
  b.child().enrollment.patience.health = hours{1};
  b.go_to(Phase::testing);
  b.now += minutes{20};
  flap(b);
  ASSERT_EQ(b.step(), "inspect");
  flap(b);
  b.fails(Errc::timed_out);
  EXPECT_EQ(b.phase(), "testing") << "one lost frame decides BACK for a healthy child";
}
TEST(LostLinks, InTheActivationItselfAreExpected) {
  Bench b;
  b.go_to(Phase::activating);
  ASSERT_EQ(b.step(), "activate");
  flap(b);
  flap(b);
  flap(b);
  EXPECT_EQ(b.phase(), "activating");
  b.says(under_test());
  EXPECT_EQ(b.phase(), "testing");
}
TEST(LostLinks, InEveryRestoreAreBounded) {
  Bench b;
  b.child().enrollment.restore = RestorePolicy::always;
  b.go_to(Phase::backing_up);
  b.answer(BackedUp{kOther});
  b.answer(Delivered{});
  b.says(uploaded());
  b.answer(Ordered{under_test()});
  b.answer(Ordered{after_confirm()});
  int restores = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string asked = b.step();
    if (asked == "restore") ++restores, flap(b);
    if (asked == "inspect") b.says(after_confirm());
    if (asked == "wait") b.wait_out();
  }
  EXPECT_EQ(restores, 3);
  EXPECT_EQ(name_of(b.history.back().cause.reason), name_of(Reason::restore_failed));
}

// ---------------------------------------------------------------------------------------- ways out, and second looks

/// A rescue whose reset is decided.
Bench past_activate() {
  Bench b;
  b.link(true);
  b.start();
  b.says(in_recovery());
  b.answer(Delivered{});
  b.says(in_recovery());
  return b;
}

TEST(SilentRescue, PastActivateCanBeGivenUpByOneCommand) {
  Bench b = past_activate();
  ASSERT_EQ(b.update().decision, Decision::activate);
  b.link(false);
  EXPECT_FALSE(b.post(UpdateAborted{b.update().epoch}).refusal);
  EXPECT_EQ(b.phase(), "split");
  EXPECT_FALSE(b.start().refusal) << "another rollout may take its place";
}

TEST(SilentRescue, GivenUpIsStillConfirmedByTheChildsOwnReport) {
  Bench b = past_activate();
  b.link(false);
  b.post(UpdateAborted{b.update().epoch});
  b.link(true);
  b.says(only_new());
  EXPECT_EQ(b.phase(), "confirmed");
}
TEST(ListThatLacksAnImage, ForAMomentIsAskedAgain) {
  Bench2 b;
  b.go_to(Phase::preflight);
  b.says(normal());  // the second core is not up yet
  EXPECT_EQ(b.phase(), "deferred");
  EXPECT_EQ(name_of(b.update().cause.reason), name_of(Reason::cannot_verify));
  EXPECT_EQ(b.update().attempts, 1U);
  b.wait_out();
  b.says(both(normal(), radio_normal()));
  EXPECT_EQ(b.phase(), "offered");
}
TEST(ListThatLacksAnImage, ForEverComesToRest) {
  Bench2 b;
  b.go_to(Phase::preflight);
  for (int i = 0; i < 100 && b.phase() != "resting"; ++i) {
    if (b.step() == "wait")
      b.wait_out();
    else
      b.says(normal());
  }
  EXPECT_EQ(b.phase(), "resting");
  EXPECT_EQ(name_of(b.update().cause.reason), name_of(Reason::cannot_verify));
}

}  // namespace
}  // namespace hg::core::table
