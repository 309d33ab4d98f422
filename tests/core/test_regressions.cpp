// SPDX-License-Identifier: Apache-2.0
// What a cold read of the state machine found, each as the sequence that showed it.
#include <gtest/gtest.h>

#include "core/table_child.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
const Error kRefused{Errc::denied, "group 1 rc 32"};

TEST(Regression, CommitIsNeverTakenBackMarkedButNoReset) {
  Bench b;
  b.go_to(Phase::testing);
  ASSERT_EQ(b.update().decision, Decision::commit);
  b.answer(GuardFailed{after_revert()});
  ASSERT_EQ(b.phase(), "activating");
  for (int i = 0; i < 20 && b.phase() == "activating"; ++i) b.answer(Ordered{marked()});
  EXPECT_EQ(b.update().decision, Decision::commit) << "now " << b.phase() << " next " << b.step();
}
TEST(Regression, CommitIsNeverTakenBackFellBack) {
  Bench b;
  b.go_to(Phase::testing);
  b.answer(GuardFailed{normal()});
  EXPECT_EQ(b.update().decision, Decision::commit) << b.phase();
}
TEST(Regression, CommitIsNeverTakenBackReactivationCameBackOld) {
  Bench b;
  b.go_to(Phase::testing);
  b.answer(GuardFailed{after_revert()});
  b.answer(Ordered{after_revert()});
  EXPECT_EQ(b.update().decision, Decision::commit) << b.phase();
}
TEST(Regression, OneListWithoutTheActiveSlotIsNoEnd) {
  Bench b;
  b.go_to(Phase::activating);
  b.answer(Ordered{silent_about_active()});
  for (int i = 0; i < 20; ++i) {
    if (b.step() == "wait") b.wait_out();
    if (b.step() == "inspect") b.says(under_test());
  }
  EXPECT_NE(b.phase(), "split") << "the child runs the new image, unconfirmed, and nobody confirms it";
}
TEST(Regression, SplitIsLeftByTheChildsOwnReport) {
  Bench b;
  b.go_to(Phase::activating);
  b.answer(Ordered{other()});
  ASSERT_EQ(b.phase(), "split");
  b.wait_out();
  ASSERT_EQ(b.step(), "inspect");
  b.says(after_revert());
  EXPECT_NE(b.phase(), "split") << "old, active, confirmed, nothing pending";
}
TEST(Regression, AnActivateThatTimesOutIsLookedIntoBeforeBack) {
  Bench b;
  b.go_to(Phase::activating);
  const auto& p = b.child().enrollment.patience;
  b.now += 2 * p.swap + 3 * p.answer;  // transport's deadline_for(Activate)
  b.fails(Errc::timed_out);
  EXPECT_EQ(b.phase(), "activating") << "BACK is decided and nobody has asked the child";
}
TEST(Regression, OneLostAnswerAfterALongHealthTimeIsNotBack) {
  Bench b;
  b.child().enrollment.patience.health = minutes{10};
  b.go_to(Phase::testing);
  b.wait_out();
  ASSERT_EQ(b.step(), "inspect");
  b.now += seconds{10};
  b.fails(Errc::timed_out);
  EXPECT_EQ(b.phase(), "testing") << "one lost frame decides BACK for a healthy child";
}
TEST(Regression, AChildThatWillNotGoBackEndsInSplit) {
  Bench b;
  b.go_to_reverting();
  int reverts = 0;
  const Instant begun = b.now;
  for (int i = 0; i < 5000 && b.phase() == "reverting" && b.now - begun < hours{24 * 7}; ++i) {
    const std::string s = b.step();
    if (s == "inspect")
      b.says(after_confirm());
    else if (s == "revert") {
      ++reverts;
      b.answer(Ordered{after_confirm()});
    } else if (s == "wait")
      b.wait_out();
  }
  EXPECT_EQ(b.phase(), "split") << reverts << " reverts (resets) in a week, no end";
}
TEST(Regression, ARefusedRevertEndsInSplit) {
  Bench b;
  b.go_to_reverting();
  int reverts = 0;
  for (int i = 0; i < 5000 && b.phase() == "reverting"; ++i) {
    const std::string s = b.step();
    if (s == "inspect")
      b.says(after_confirm());
    else if (s == "revert") {
      ++reverts;
      b.answer(StepFailed{kRefused});
    } else if (s == "wait")
      b.wait_out();
  }
  EXPECT_EQ(b.phase(), "split") << reverts << " reverts; cause " << b.update().cause.text;
}
TEST(Regression, ADeadChildInRevertingCanBeGivenUpByOneCommand) {
  Bench b;
  b.go_to_reverting();
  for (int i = 0; i < 100; ++i) {
    if (b.step() == "inspect")
      b.fails(Errc::timed_out);
    else
      b.wait_out();
  }
  b.post(UpdateAborted{b.update().epoch});
  const Output out = b.start();
  EXPECT_TRUE(is_over(b.update()) || !out.refusal) << b.phase() << ": " << out.refusal->message;
}
TEST(Regression, ADeadChildAfterCommitCanBeGivenUpByOneCommand) {
  Bench b;
  b.go_to(Phase::testing);
  for (int i = 0; i < 100; ++i) {
    if (b.step() == "wait")
      b.wait_out();
    else
      b.fails(Errc::timed_out);
  }
  const Output a = b.post(UpdateAborted{b.update().epoch});
  const Output s = b.start();
  EXPECT_TRUE(!a.refusal || !s.refusal) << b.phase();
}
TEST(Regression, RevertedMeansNothingPending) {
  Bench b;
  b.go_to(Phase::activating);
  b.answer(Ordered{foreign_mark()});
  EXPECT_FALSE(b.phase() == "reverted" && b.child().seen->anything_pending(0));
}
TEST(Regression, RevertedMeansOldConfirmed) {
  Bench b;
  b.go_to(Phase::activating);
  b.answer(Ordered{with({slot(0, kOld, "a"), slot(1, kNew, "c")})});  // the next reset brings the new one
  EXPECT_FALSE(b.phase() == "reverted" && !b.child().seen->active(0)->confirmed);
}
TEST(Regression, RevertedMeansOldAfterALocalChange) {
  Bench b;
  b.go_to(Phase::confirmed);
  b.wait_out();
  b.says(other());
  EXPECT_FALSE(b.phase() == "reverted" && b.child().seen->active(0)->digest != b.update().parts.front().before);
}
TEST(Regression, AnImageThatFallsBackBehindALostLinkIsNotActivatedSixTimes) {
  Bench b;
  b.go_to(Phase::activating);
  int activations = 0;
  for (int i = 0; i < 100 && b.phase() == "activating"; ++i) {
    ASSERT_EQ(b.step(), "activate");
    ++activations;
    b.link(false);         // USB CDC: the tty goes with the reset
    b.now += seconds{40};  // swap, boots, fails, watchdog, swap back
    b.link(true);
    b.says(after_revert());
  }
  EXPECT_LE(activations, 2);
}
TEST(Regression, WhyAMarkWasRefusedIsSaid) {
  Bench b;
  b.go_to(Phase::activating);
  for (int i = 0; i < 100 && b.phase() == "activating"; ++i) {
    if (b.step() == "activate")
      b.answer(StepFailed{Error{Errc::denied, "group 1 rc 28"}});
    else if (b.step() == "wait")
      b.wait_out();
    else
      b.says(uploaded());
  }
  bool said = false;
  for (auto& l : b.history) said |= l.cause.text.find("rc 28") != std::string::npos;
  EXPECT_TRUE(said) << b.phase() << ": " << name_of(b.update().cause.reason) << ": " << b.update().cause.text;
}
TEST(Regression, AFlappingLinkDoesNotPutOffBackForEver) {
  Bench b;
  b.go_to(Phase::activating);
  const Instant begun = b.now;
  for (int i = 0; i < 2000 && b.phase() == "activating"; ++i) {
    b.link(false);
    b.now += seconds{50};
    b.link(true);
    b.now += seconds{10};
    if (b.step() == "inspect") b.fails(Errc::timed_out);
  }
  EXPECT_NE(b.phase(), "activating") << (b.now - begun).count() / 3600000 << " h";
}
TEST(Regression, NewConfirmedWithAForeignMarkIsNotSplit) {
  Bench b;
  b.link(true);
  b.start();
  const Inspection seen = with({slot(0, kNew, "ac"), slot(1, kOther, "p")});
  b.says(seen);
  EXPECT_NE(b.step(), "confirm") << "the child answers 28 to it (smp.md 4.2)";
  for (int i = 0; i < 100 && !is_over(b.update()); ++i) {
    if (b.step() == "confirm")
      b.answer(StepFailed{Error{Errc::denied, "rc 28"}});
    else if (b.step() == "wait")
      b.wait_out();
    else if (b.step() == "inspect")
      b.says(seen);
    else
      break;
  }
  EXPECT_NE(b.phase(), "split");
}
TEST(Regression, AnImageForAnotherTargetDoesNotFit) {
  Bench b;
  b.child().enrollment.targets = {{"radio", 1}};
  b.link(true);
  b.start();
  Inspection s = normal();
  s.slots.push_back(slot(0, kOther, "ac"));
  s.slots.back().image = 1;
  b.says(s);
  EXPECT_EQ(b.phase(), "refused") << "image of component 'app' goes to image 1";
}
TEST(Regression, TheFloorOfAProductSurvivesAnotherProduct) {
  Bench b;
  b.go_to(Phase::confirmed);  // boiler 7
  Deliverable other_product = deliverable();
  other_product.id = "d2";
  other_product.product = "boiler-lite";
  other_product.sequence = 1;
  b.post(DeliverableSealed{other_product});
  b.post(RolloutRequested{"d2", {kBoiler}, 0});
  b.says(after_confirm());
  Deliverable ancient = deliverable();
  ancient.id = "d3";
  ancient.sequence = 2;
  ancient.images[0].running_digest = kOld;
  b.post(DeliverableSealed{ancient});
  b.post(RolloutRequested{"d3", {kBoiler}, 0});
  b.says(after_confirm());
  EXPECT_EQ(name_of(b.update().cause.reason), name_of(Reason::not_newer)) << b.phase();
}
TEST(Regression, AReloadThatTakesInternalAwayStopsThePlainImage) {
  Bench b;
  b.go_to(Phase::transferring);
  Enrollment e = enrollment();
  e.link = LinkProtection::none;
  b.post(ChildEnrolled{e});
  EXPECT_NE(b.step(), "deliver");
}
TEST(Regression, AReloadThatMovesTheChildIsLookedInto) {
  Bench b;
  b.go_to(Phase::activating);
  Enrollment e = enrollment();
  e.address = "/dev/ttyACM9";
  b.post(ChildEnrolled{e});
  EXPECT_EQ(b.step(), "inspect");
}
TEST(Regression, AbortWhileAForeignMarkIsPlayedThroughLooksAgain) {
  Bench b;
  b.link(true);
  b.start();
  b.says(foreign_mark());
  ASSERT_EQ(b.step(), "revert");
  b.post(UpdateAborted{b.update().epoch});
  EXPECT_EQ(b.step(), "inspect") << "the reset may be under way";
}
TEST(Regression, ADigestlessActiveImageCannotBeVerified) {
  Bench b;
  b.link(true);
  b.start();
  b.says(with({slot(0, Digest{}, "ac")}));
  EXPECT_EQ(b.phase(), "refused");
}
TEST(Regression, ADeliverableThatIsGoneDoesNotMakeAHotLoop) {
  Bench b;
  b.go_to(Phase::transferring);
  b.state.deliverables.clear();
  b.link(false);
  b.link(true);
  int n = 0;
  while (b.step() == "inspect" && n < 1000) {
    b.says(normal());
    ++n;
  }
  EXPECT_LT(n, 10);
}
TEST(Regression, SilenceAfterCommitHasALine) {
  Bench b;
  b.go_to(Phase::testing);
  const auto lines = b.history.size();
  for (int i = 0; i < 500; ++i) {
    if (b.step() == "wait")
      b.wait_out();
    else
      b.fails(Errc::timed_out);
  }
  EXPECT_GT(b.history.size(), lines) << "days of silence, not one line";
}
TEST(Regression, SilenceInRevertingHasALine) {
  Bench b;
  b.go_to_reverting();
  const auto lines = b.history.size();
  for (int i = 0; i < 500; ++i) {
    if (b.step() == "wait")
      b.wait_out();
    else
      b.fails(Errc::timed_out);
  }
  EXPECT_GT(b.history.size(), lines);
}
TEST(Regression, HealthIsNotPutOffByAClockThatIsSetBack) {
  Bench b;
  b.child().enrollment.patience.health = seconds{60};
  b.go_to(Phase::testing);
  b.now -= hours{24 * 365};

  b.post(TimePassed{kBoiler, b.child().step_number});
  b.says(under_test());
  EXPECT_TRUE(b.step() == "confirm" || std::get<Wait>(b.child().step).at - b.now < hours{1}) << "waits a year";
}
}  // namespace
}  // namespace hg::core::table
