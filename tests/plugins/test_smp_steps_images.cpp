// SPDX-License-Identifier: Apache-2.0
// The steps of an update for several image numbers, and for every kind of bootloader.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/steps_fixture.hpp"

namespace hg::smp {
namespace {

using namespace std::chrono_literals;
using test::digest_of;
using test::kNew;
using test::kOld;
using testing::HasSubstr;
using wire::RevertClass;

const Digest kRadioOld = digest_of(11);
const Digest kRadioNew = digest_of(12);
const std::vector<wire::Move> kBoth = {{0, kOld, kNew}, {1, kRadioOld, kRadioNew}};
const std::vector<wire::Move> kBothBack = {{0, kNew, kOld}, {1, kRadioNew, kRadioOld}};
const std::vector<wire::Guard> kBothNew = {{0, kNew}, {1, kRadioNew}};

class SmpImages : public test::StepsTest {
 protected:
  SmpImages() {
    child_.slots.push_back({1, 0, "1.0.0", kRadioOld, true, false, true, true, false});
    child_.mode = 3;
  }
  void stage_both() {
    child_.stage(kNew);
    child_.stage(kRadioNew, 1);
  }
  void expect_both(bool are_new, bool confirmed) {
    expect_runs(are_new ? kNew : kOld, confirmed);
    expect_runs(are_new ? kRadioNew : kRadioOld, confirmed, 1);
  }
  void use_profile_that_confirms_all() {
    child_.confirms_others = true;
    profile_.confirms_all = true;
    renew();
  }
};

// -------------------------------------------------------------------------------------------------- several images

TEST_F(SmpImages, AreMarkedForGoodWhenATestCouldOnlyBeConfirmedByHalves) {
  stage_both();
  EXPECT_EQ(inspect()->revert_class, RevertClass::irrevocable);
  const auto outcome = activate(kBoth);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->guard_held);
  expect_both(true, true);
  EXPECT_EQ(child_.resets, 1U);
  EXPECT_EQ(child_.count(kImageState), 2U);
}

TEST_F(SmpImages, AreTestedAndConfirmedWhereTheProfileSaysThatTheyCanBe) {
  use_profile_that_confirms_all();
  stage_both();
  EXPECT_EQ(inspect()->revert_class, RevertClass::self_reverting);
  ASSERT_TRUE(activate(kBoth));
  expect_both(true, false);
  EXPECT_EQ(child_.resets, 1U);
  ASSERT_TRUE(confirm(kBothNew));
  expect_both(true, true);
}

TEST_F(SmpImages, ThatAreOnTheirGoalAreLeftAlone) {
  child_.stage(kRadioNew, 1);
  ASSERT_TRUE(activate({{0, kOld, kOld}, {1, kRadioOld, kRadioNew}}));
  expect_runs(kOld, true);
  expect_runs(kRadioNew, true, 1);
  EXPECT_EQ(child_.count(kImageState), 1U);
  const std::size_t before = sent_to_change();
  ASSERT_TRUE(activate({{0, kOld, kOld}, {1, kRadioNew, kRadioNew}}));
  EXPECT_EQ(sent_to_change(), before);
}

TEST_F(SmpImages, NothingIsMarkedWhenOneGuardFailsOrOneGoalIsMissing) {
  child_.stage(kNew);
  const auto missing = activate(kBoth);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("image 1"));
  const auto guarded = activate({{0, kOld, kNew}, {1, kRadioNew, kRadioOld}});
  ASSERT_TRUE(guarded);
  EXPECT_FALSE(guarded->guard_held);
  EXPECT_EQ(sent_to_change(), 0U);
}

TEST_F(SmpImages, WithTheSameContentAreRefusedByName) {  // smp.md 4.2
  child_.stage(kNew);
  child_.stage(kNew, 1);
  const auto outcome = activate({{0, kOld, kNew}, {1, kRadioOld, kNew}});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("image 0 and image 1 hold the same image"));
  EXPECT_EQ(sent_to_change(), 0U);
  child_.slots.pop_back();
  const auto delivered = deliver(3000, 1);  // kNew stands in image 0 already
  ASSERT_FALSE(delivered);
  EXPECT_EQ(delivered.error().code, Errc::denied);
  EXPECT_EQ(child_.count(kImageUpload), 0U);
}

TEST_F(SmpImages, NothingIsMarkedWhenTheSecondOneMayNotBe) {  // without ..._ALLOW_CONFIRM_NON_ACTIVE_IMAGE_SECONDARY
  stage_both();
  child_.answers_instead = [](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageState) || to_hex(asked.body).find(kRadioNew.hex()) == std::string::npos) return std::nullopt;
    return *from_hex("a163657272a26567726f7570016272631820");
  };
  const auto outcome = activate(kBoth);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::denied);
  EXPECT_FALSE(child_.standby(0)->pending);  // half of it would start with the next reset
}

TEST_F(SmpImages, StockChildRefusesTheSecondOneBeforeTheFirstIsConfirmed) {
  profile_.confirms_all = true;  // wrong: the child does not
  renew();
  stage_both();
  ASSERT_TRUE(activate(kBoth));
  const auto outcome = confirm(kBothNew);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("confirm image 1"));
  EXPECT_THAT(outcome.error().message, HasSubstr("image error 32"));
  expect_both(true, false);  // both can still go back
  ASSERT_TRUE(revert(kBothBack));
  expect_both(false, true);
}

TEST_F(SmpImages, AreRevertedTogetherFromAMixedState) {
  use_profile_that_confirms_all();
  stage_both();
  ASSERT_TRUE(activate(kBoth));
  child_.active(1)->confirmed = true;  // somebody confirmed one of them
  child_.standby(1)->confirmed = false;
  const auto outcome = revert(kBothBack);
  ASSERT_TRUE(outcome) << outcome.error().message;
  expect_both(false, true);
}

TEST_F(SmpImages, MarksArePlayedThroughToRevert) {
  use_profile_that_confirms_all();
  stage_both();
  child_.standby(1)->pending = true;
  ASSERT_TRUE(revert({{0, kOld, kOld}, {1, kRadioOld, kRadioOld}}));
  expect_both(false, true);
  EXPECT_EQ(child_.resets, 2U);
}

// ------------------------------------------------------------------------------------------------------ bootloaders

TEST_F(SmpImages, ChildrenWithoutAPlaceForAnImageAreRefusedByName) {
  for (const int mode : {0, 4, 5, 6, 7, 8}) {
    child_.mode = mode;
    renew();
    const auto seen = inspect();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->staging, wire::Staging::impossible) << mode;
    EXPECT_FALSE(seen->obstacle.empty()) << mode;
    const auto delivered = deliver();
    ASSERT_FALSE(delivered) << mode;
    EXPECT_EQ(delivered.error().code, Errc::unsupported) << mode;
    EXPECT_EQ(delivered.error().message, seen->obstacle) << mode;
  }
  EXPECT_EQ(sent_to_change(), 0U);
}

TEST_F(SmpImages, OverwriteOnlyRunsTheNewOneForGoodAndCannotGoBack) {
  child_.slots.resize(1);
  child_.mode = 2;
  child_.overwrites = true;
  child_.stage(kNew);
  EXPECT_EQ(inspect()->revert_class, RevertClass::irrevocable);
  ASSERT_TRUE(activate_one());
  expect_runs(kNew, true);
  EXPECT_EQ(child_.slots.size(), 1U);
  const std::size_t before = child_.count(kImageState);
  ASSERT_TRUE(confirm_one(kNew));
  EXPECT_EQ(child_.count(kImageState), before);  // confirmed already
  EXPECT_EQ(revert_one(kNew).error().code, Errc::not_found);
}

}  // namespace
}  // namespace hg::smp
