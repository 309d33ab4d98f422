// SPDX-License-Identifier: Apache-2.0
// The traps of reference smp.md, section 8, that are the steps' own, each by the name of its issue, against a child in
// memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/steps_fixture.hpp"

namespace hg::smp {
namespace {

using test::digest_of;
using test::kNew;
using test::kOld;
using testing::HasSubstr;

const Digest kRadioOld = digest_of(11);
const Digest kRadioNew = digest_of(12);
const std::vector<wire::Move> kBoth = {{0, kOld, kNew}, {1, kRadioOld, kRadioNew}};
const std::vector<wire::Move> kBothBack = {{0, kNew, kOld}, {1, kRadioNew, kRadioOld}};

/// Answers the list of images from `slots` instead.
std::function<std::optional<Bytes>(const test::MemoryChild::Asked&)> lists(std::vector<wire::Slot> slots) {
  return [slots](const test::MemoryChild::Asked& asked) -> std::optional<Bytes> {
    if (asked.header.group != kImageGroup || asked.header.command != kImageList.id) return std::nullopt;
    if (asked.header.op != Op::read) return std::nullopt;
    Bytes body;
    cbor::Writer writer(body);
    writer.map(1).text("images").array(slots.size());
    for (const wire::Slot& slot : slots) {
      writer.map(6).text("image").uint(slot.image).text("slot").uint(slot.slot);
      writer.text("hash").bytes(slot.digest.bytes()).text("active").boolean(slot.active);
      writer.text("confirmed").boolean(slot.confirmed).text("pending").boolean(slot.pending);
    }
    return body;
  };
}
const wire::Slot kRunning{0, 0, "", kOld, true, false, true, true, false};

class SmpTraps : public test::StepsTest {};

TEST_F(SmpTraps, Zephyr51798EraseAfterStopResumesAtAStaleOffset) {
  child_.uploaded = kNew;
  bool is_stale = true;  // the first upload goes on in the middle, and what comes out is no image
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload) || !is_stale) return std::nullopt;
    is_stale = false;
    child_.flash.clear();
    Bytes body;
    cbor::Writer(body).map(1).text("off").uint(3000);  // all of it, it says
    return body;
  };
  const auto delivered = deliver(3000);
  ASSERT_TRUE(delivered) << delivered.error().message;
  EXPECT_EQ(child_.standby()->digest, kNew);
}

TEST_F(SmpTraps, Zephyr57963AnImageWithoutHashIsListedWithThatOfThePreviousSlot) {
  child_.uploaded = kOld;  // what the child lists for it
  wire::Slot stale = kRunning;
  stale.slot = 1;
  stale.active = stale.confirmed = false;
  child_.answers_instead = [&, list = lists({kRunning, stale})](const auto& asked) { return list(asked); };
  const auto delivered = deliver();
  ASSERT_FALSE(delivered);
  EXPECT_EQ(delivered.error().code, Errc::mismatch);
}

TEST_F(SmpTraps, ZephyrPR98347AnImageThatIsNotListedNeedsAnotherBuildNumber) {
  child_.answers_instead = lists({kRunning});
  const auto delivered = deliver();
  ASSERT_FALSE(delivered);
  EXPECT_EQ(delivered.error().code, Errc::mismatch);
  EXPECT_THAT(delivered.error().message, HasSubstr("bump the build number"));
}

TEST_F(SmpTraps, Zephyr56581MarksThatAreSilentlyIgnored) {
  stage();
  unsigned ignored = 0;
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageState)) return std::nullopt;
    ++ignored;
    return *from_hex("a0");
  };
  const auto outcome = activate_one();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::mismatch);
  EXPECT_EQ(child_.count(kReset), 0U);  // never on the strength of an answer
  EXPECT_EQ(ignored, 2U);
}

TEST_F(SmpTraps, Zephyr56581AMarkThatIsTakenTheSecondTime) {
  stage();
  bool is_ignored = false;
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageState) || std::exchange(is_ignored, true)) return std::nullopt;
    return *from_hex("a0");
  };
  ASSERT_TRUE(activate_one());
  expect_runs(kNew, false);
}

TEST_F(SmpTraps, McumgrPR152TheImageOfAnotherCoreInTheWrongNumber) {
  wire::Slot elsewhere{1, 1, "", kNew, true, false, false, false, false};
  bool is_sent = false;
  child_.answers_instead = [&, before = lists({kRunning}),
                            after = lists({kRunning, elsewhere})](const auto& asked) -> std::optional<Bytes> {
    is_sent = is_sent || is(asked, kImageUpload);
    return is_sent ? after(asked) : before(asked);
  };
  const auto delivered = deliver();
  ASSERT_FALSE(delivered);
  EXPECT_THAT(delivered.error().message, HasSubstr("lists it as image 1"));
}

TEST_F(SmpTraps, Mcuboot2812ADependencyThatFailsCancelsAllMarks) {  // and mcuboot#954
  child_.slots.push_back({1, 0, "1.0.0", kRadioOld, true, false, true, true, false});
  child_.stage(kNew);
  child_.stage(kRadioNew, 1);
  child_.at_reset = [this] {
    for (wire::Slot& slot : child_.slots) slot.pending = slot.permanent = false;
  };
  const auto outcome = activate(kBoth);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->guard_held);
  EXPECT_TRUE(holds(outcome->seen.slots, {0, kOld}) && holds(outcome->seen.slots, {1, kRadioOld}));
  EXPECT_EQ(child_.resets, 1U);  // the child says what came of it, and is not reset again for that
}

TEST_F(SmpTraps, ZephyrPR106151OneImageInTestDelaysTheRevertOfTheOther) {
  child_.slots.push_back({1, 0, "1.0.0", kRadioOld, true, false, true, true, false});
  profile_.confirms_all = true;
  child_.confirms_others = true;
  renew();
  child_.stage(kNew);
  child_.stage(kRadioNew, 1);
  ASSERT_TRUE(activate(kBoth));
  bool is_first = true;
  child_.after_reset = [&] {  // the second image has stayed in test
    if (!std::exchange(is_first, false)) return;
    child_.active(1)->digest = kRadioNew;
    child_.active(1)->confirmed = false;
    child_.standby(1)->digest = kRadioOld;
    child_.standby(1)->confirmed = true;
  };
  const auto outcome = revert(kBothBack);
  ASSERT_TRUE(outcome) << outcome.error().message;
  expect_runs(kOld, true);
  expect_runs(kRadioOld, true, 1);
}

TEST_F(SmpTraps, Zephyr118616HashesOf64Bytes) {
  const Digest long_old = *Digest::from_bytes(Bytes(64, 1));
  const Digest long_new = *Digest::from_bytes(Bytes(64, 2));
  child_.slots[0].digest = long_old;
  child_.stage(long_new);
  ASSERT_TRUE(activate({{0, long_old, long_new}}));
  ASSERT_TRUE(confirm({{0, long_new}}));
  expect_runs(long_new, true);
}

TEST_F(SmpTraps, AndroidDM242And329WhatIsConfirmedAlreadyIsNoError) {
  stage();
  ASSERT_TRUE(activate_one());
  child_.active()->confirmed = true;  // the application did it itself
  child_.standby()->confirmed = false;
  const std::size_t before = child_.count(kImageState);
  const auto outcome = confirm_one(kNew);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->guard_held);
  EXPECT_EQ(child_.count(kImageState), before);
}

TEST_F(SmpTraps, AndroidDM329ARefusedConfirmOfWhatIsConfirmedMeanwhile) {
  stage();
  ASSERT_TRUE(activate_one());
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageState)) return std::nullopt;
    child_.active()->confirmed = true;
    return *from_hex("a163657272a26567726f7570016272631820");  // 32
  };
  ASSERT_TRUE(confirm_one(kNew));  // the list decides
}

TEST_F(SmpTraps, AndroidDMPR215ASlotThatIsBusyTakesNoUpload) {
  child_.stage(kRadioNew);
  child_.standby()->pending = true;
  const auto marked = deliver();
  ASSERT_FALSE(marked);
  EXPECT_EQ(marked.error().code, Errc::busy);
  EXPECT_THAT(marked.error().message, HasSubstr("played through"));
  ASSERT_TRUE(revert_one(kOld));  // what the daemon does about it
  ASSERT_TRUE(deliver());
}

TEST_F(SmpTraps, AndroidDMPR215ASlotThatHoldsTheWayBackTakesNoUpload) {
  child_.stage(kRadioNew);
  ASSERT_TRUE(activate({{0, kOld, kRadioNew}}));
  const auto in_test = deliver();
  ASSERT_FALSE(in_test);
  EXPECT_EQ(in_test.error().code, Errc::busy);
  EXPECT_THAT(in_test.error().message, HasSubstr("way back"));
  EXPECT_EQ(child_.count(kImageUpload), 0U);
}

TEST_F(SmpTraps, Zephyr44219AFailedWriteIsErasedAndSentOnceMore) {
  child_.uploaded = kNew;
  bool is_broken = true;
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (is(asked, kImageErase)) {
      is_broken = false;
      child_.flash.clear();
      return *from_hex("a0");
    }
    if (is(asked, kImageUpload) && is_broken) return *from_hex("a1636f666600");
    return std::nullopt;
  };
  const auto delivered = deliver();
  ASSERT_TRUE(delivered) << delivered.error().message;
  EXPECT_EQ(child_.count(kImageErase), 1U);
}

TEST_F(SmpTraps, AnImageThatIsLargerThanTheChildSaysIsNotSent) {
  child_.answers_instead = [](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kSlotInfo)) return std::nullopt;
    Bytes body;
    cbor::Writer writer(body);
    writer.map(1).text("images").array(1).map(3).text("image").uint(0).text("slots").array(1);
    writer.map(2).text("slot").uint(1).text("size").uint(4096).text("max_image_size").uint(2000);
    return body;
  };
  EXPECT_EQ(deliver(2001).error().code, Errc::too_large);
  EXPECT_EQ(child_.count(kImageUpload), 0U);
}

TEST_F(SmpTraps, AResetThatIsRefusedAsBusyIsAskedForAgainAndThenForcedIfTheProfileSaysSo) {
  stage();
  unsigned asked_plainly = 0;
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kReset) || asked.body.size() > 1) return std::nullopt;  // with force it takes it
    ++asked_plainly;
    return *from_hex("a16272630a");
  };
  EXPECT_EQ(activate_one().error().code, Errc::busy);
  EXPECT_EQ(asked_plainly, 6U);
  profile_.force_reset = true;
  renew();
  ASSERT_TRUE(activate_one());
  expect_runs(kNew, false);
  EXPECT_EQ(child_.resets, 1U);
}

}  // namespace
}  // namespace hg::smp
