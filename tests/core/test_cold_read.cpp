// SPDX-License-Identifier: Apache-2.0
// What a second cold read of the state machine found, each as the sequence that showed it.
#include <gtest/gtest.h>

#include "core/table_parts.hpp"

namespace hg::core::table {
namespace {

/// As if the daemon had been killed, and started with this configuration.
void restart_with(Bench& b, const Enrollment& e) {
  resume(b.state, b.now);
  b.child().enrolled = false;
  b.post(ChildEnrolled{e});
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
// ---------------------------------------------------------------------------------------- ways out, and second looks

TEST(SilentRescue, PastActivateCanBeGivenUpByOneCommand) {
  Bench b;
  b.link(true);
  b.start();
  b.says(in_recovery());
  b.answer(Delivered{});
  b.says(in_recovery());
  ASSERT_EQ(b.update().decision, Decision::activate);
  b.link(false);
  EXPECT_FALSE(b.post(UpdateAborted{b.update().epoch}).refusal);
  EXPECT_EQ(b.phase(), "split");
  EXPECT_FALSE(b.start().refusal) << "another rollout may take its place";
}
TEST(SilentRescue, GivenUpIsStillConfirmedByTheChildsOwnReport) {
  Bench b;
  b.link(true);
  b.start();
  b.says(in_recovery());
  b.answer(Delivered{});
  b.says(in_recovery());
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
