// SPDX-License-Identifier: Apache-2.0
// The steps of an update against a child in memory, in a time that only jumps: what is
// asked how often, what is never repeated, and how long everything may take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/steps_fixture.hpp"

namespace hg::smp {
namespace {

using namespace std::chrono_literals;
using test::kNew;
using test::kOld;

class SmpSteps : public test::StepsTest {};

// -------------------------------------------------------------------------------------------------------- delivering

TEST_F(SmpSteps, UploadsAndProvesIt) {
  ASSERT_TRUE(deliver(10000));
  EXPECT_EQ(progress_.back(), 10000U);
  EXPECT_TRUE(std::ranges::is_sorted(progress_));
  ASSERT_TRUE(deliver(10000));  // it stands there already
  EXPECT_LE(child_.count(kImageUpload), 12U);
}

TEST_F(SmpSteps, APatchedImageIsNotTakenForACopyThatIsListedByTheSameHash) {
  const auto uploads = [this] {
    const std::size_t before = child_.count(kImageUpload);
    const bool is_delivered = static_cast<bool>(deliver());
    EXPECT_TRUE(is_delivered);
    return child_.count(kImageUpload) != before;
  };
  stage();  // by somebody else, for whatever key
  EXPECT_FALSE(uploads());
  patches_ = {{100, {1, 2}}};
  EXPECT_TRUE(uploads());
  EXPECT_FALSE(uploads());  // it stands there already
  view_ = test::digest_of(8);
  EXPECT_TRUE(uploads());
  renew();
  EXPECT_TRUE(uploads());  // another process does not know what stands there
}

TEST_F(SmpSteps, APatchedImageThatRunsIsThere) {
  child_.active()->digest = kNew;
  patches_ = {{100, {1, 2}}};
  ASSERT_TRUE(deliver());
  EXPECT_EQ(child_.count(kImageUpload), 0U);  // it was opened with the child's own key
}

TEST_F(SmpSteps, ADeliveryRecordIsRefusedBeforeAnythingIsSent) {
  const wire::Deliver request{{}, view_, 10, 0, kNew, wire::Staging::aside, {}, {1}};
  const auto refused = run(made_->deliver(job(), request, plugin::ImageView(UniqueFd())));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unsupported);
  EXPECT_TRUE(child_.asked.empty());
}

TEST_F(SmpSteps, DoesNotBeginAgainWhenOnlyTheLastAnswerWasLost) {
  bool is_lost = false;
  child_.loses_answer = [&](const auto& asked) {
    const bool is_last = is(asked, kImageUpload) && child_.slots.size() == 2;
    return is_last && !std::exchange(is_lost, true);
  };
  ASSERT_TRUE(deliver(3000));
  EXPECT_LT(child_.count(kImageUpload), 12U);
}

TEST_F(SmpSteps, AnImageThatArrivedDamagedIsSentOnceMore) {
  for (const unsigned times : {1U, 9U}) {
    unsigned left = times;
    child_.slots.resize(1);
    child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
      if (!is(asked, kImageUpload) || child_.flash.size() < 2500 || left == 0) return std::nullopt;
      --left;
      child_.flash.clear();
      return *from_hex("a2636f6666190bb8656d61746368f4");  // 3000, match: false
    };
    const auto delivered = deliver(3000);
    ASSERT_EQ(static_cast<bool>(delivered), times == 1);
    EXPECT_EQ(times - left, std::min(times, 2U));
    EXPECT_EQ(delivered ? Errc::mismatch : delivered.error().code, Errc::mismatch);
  }
}

TEST_F(SmpSteps, UploadedButNotListedIsAnError) {
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (is(asked, kImageUpload) && child_.flash.size() > 1000) child_.uploaded.reset();
    return std::nullopt;
  };
  const auto absent = deliver(3000);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Errc::mismatch);
}

TEST_F(SmpSteps, WhatWasLearnedIsRememberedAfterADelivery) {
  std::optional<Learned> remembered;
  made_.emplace(child_, child_, profile_, Learned{}, [&](const Learned& learned) { remembered = learned; });
  ASSERT_TRUE(deliver(10000));
  ASSERT_TRUE(remembered);
  EXPECT_GT(remembered->packet, 0U);
}

// ---------------------------------------------------------------------------------------------- inspect and activate

TEST_F(SmpSteps, InspectsOnlyWhenAResetOfAPredecessorWouldHaveHappened) {
  const auto opened = child_.opening().at;
  ASSERT_TRUE(inspect());
  EXPECT_EQ(child_.asked.front().at, opened + 1500ms);  // boot_silence_ms
  const auto second = child_.now();
  ASSERT_TRUE(inspect());
  EXPECT_LT(child_.now() - second, 100ms);
  child_.reopen();
  const auto reopened = child_.now();
  child_.asked.clear();
  ASSERT_TRUE(inspect());
  EXPECT_EQ(child_.asked.front().at, reopened + 1500ms);
}

TEST_F(SmpSteps, AsksForTheBootloaderOnceAndMissesNothingWithoutIt) {
  EXPECT_EQ(inspect()->revert_class, wire::RevertClass::unknown);
  inspect();
  EXPECT_EQ(child_.count(kBootloaderInfo), 1U);
}

TEST_F(SmpSteps, ActivatesWithOneMarkAndOneReset) {
  stage();
  const auto outcome = activate_one();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->guard_held);
  expect_runs(kNew, false);
  EXPECT_EQ(child_.resets, 1U);
  EXPECT_EQ(child_.count(kImageState), 1U);
}

TEST_F(SmpSteps, SendsAResetAgainOnlyWhenTheListShowsThatItWasLost) {
  stage();
  child_.loses_request = first(1, kReset);
  ASSERT_TRUE(activate_one());
  EXPECT_EQ(child_.count(kReset), 2U);
  EXPECT_EQ(child_.resets, 1U);
  expect_runs(kNew, false);
}

TEST_F(SmpSteps, ALostAnswerToAResetIsNoReasonForAnother) {
  stage();
  child_.loses_answer = first(1, kReset);
  child_.boot_time = 20s;
  ASSERT_TRUE(activate_one());
  EXPECT_EQ(child_.count(kReset), 1U);
  expect_runs(kNew, false);
}

TEST_F(SmpSteps, AChildThatTakesNoResetIsNotAskedForEver) {
  stage();
  child_.loses_request = first(1000, kReset);
  const auto outcome = activate_one();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::timed_out);
  EXPECT_EQ(child_.count(kReset), 2U);
}

TEST_F(SmpSteps, ComesThroughALinkThatGoesAwayInTheReset) {
  stage();
  child_.link_lost_for_after_reset = 3s;
  ASSERT_TRUE(activate_one());
  EXPECT_EQ(child_.count(kReset), 1U);
  expect_runs(kNew, false);
}

TEST_F(SmpSteps, AfterAnInterruptedActivateTheNextInspectWaitsForTheChild) {
  stage();
  child_.boot_time = 10s;
  auto short_job = job(5s);
  const auto interrupted = run(made_->activate(std::move(short_job), wire::Activate{{}, {{0, kOld, kNew}}}));
  EXPECT_EQ(interrupted.error().code, Errc::timed_out);
  EXPECT_EQ(run(made_->inspect(job(2s))).error().code, Errc::timed_out);  // nothing is guessed
  const auto seen = inspect();
  ASSERT_TRUE(seen);
  EXPECT_TRUE(std::ranges::any_of(seen->slots, [](const auto& slot) { return slot.active && slot.digest == kNew; }));
  EXPECT_EQ(child_.count(kReset), 1U);
}

TEST_F(SmpSteps, ActivatesNothingThatIsNotThere) {
  EXPECT_EQ(activate_one().error().code, Errc::not_found);
  EXPECT_EQ(child_.count(kReset), 0U);
}

// ------------------------------------------------------------------------------------------------ confirm and revert

TEST_F(SmpSteps, ConfirmsOnceAlsoWhenTheAnswerIsLost) {
  stage();
  ASSERT_TRUE(activate_one());
  child_.loses_answer = first(1, kImageState);
  const std::size_t before = child_.count(kImageState);
  const auto outcome = confirm_one(kNew);
  ASSERT_TRUE(outcome) << outcome.error().message;
  expect_runs(kNew, true);
  EXPECT_EQ(child_.count(kImageState), before + 1);  // the list showed that it was done
}

TEST_F(SmpSteps, AGuardThatDoesNotHoldStopsEverything) {
  stage();
  for (const auto& outcome :
       {confirm_one(kNew), revert_one(kNew), run(made_->activate(job(), wire::Activate{{}, {{0, kNew, kNew}}}))}) {
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(outcome->guard_held);
  }
  EXPECT_EQ(child_.count(kImageState) + child_.count(kReset), 0U);
}

TEST_F(SmpSteps, PlaysAMarkThroughToRevert) {
  stage();
  child_.standby()->pending = true;
  const auto outcome = revert_one(kOld);
  ASSERT_TRUE(outcome) << outcome.error().message;
  expect_runs(kOld, true);
  EXPECT_EQ(child_.resets, 2U);
}

TEST_F(SmpSteps, RevertsWhatIsUnconfirmedByOneReset) {
  stage();
  ASSERT_TRUE(activate_one());
  ASSERT_TRUE(revert_one(kNew));
  expect_runs(kOld, true);
  EXPECT_EQ(child_.resets, 2U);
}

TEST_F(SmpSteps, RevertsWhatIsConfirmedByMarkingTheOldImage) {
  stage();
  ASSERT_TRUE(activate_one());
  ASSERT_TRUE(confirm_one(kNew));
  ASSERT_TRUE(revert_one(kNew));
  expect_runs(kOld, true);
}

TEST_F(SmpSteps, RevertIsNothingWhenTheOldImageRuns) {
  ASSERT_TRUE(revert_one(kOld));
  EXPECT_EQ(child_.resets, 0U);
}

TEST_F(SmpSteps, ABootloaderThatDoesNotRevertIsNotResetForEver) {
  stage();
  child_.reverts = false;
  ASSERT_TRUE(activate_one());
  ASSERT_TRUE(revert_one(kNew));  // the child's own report says what came of it
  expect_runs(kNew, false);
  EXPECT_LE(child_.resets, 3U);
}

}  // namespace
}  // namespace hg::smp
