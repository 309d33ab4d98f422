// SPDX-License-Identifier: Apache-2.0
// Known traps of marks, resets and bootloaders (reference smp.md, section 8, rows 8, 15 to 18): each test has the name
// of the issue that other clients died of. It shows that the fault is there, then what headgate does.
#include "plugins/traps.hpp"

namespace hg {
namespace {

// ------------------------------------------------------------------------------------------------------------- row 8

TEST_F(SmpTraps, Zephyr56581_MarksAreSilentlyIgnored) {
  start({"--ignore-marks", "1"});
  deliver_all();
  expect_runs(order(activate()), new_.hash, false);
  EXPECT_THAT(child_log(), testing::HasSubstr("fault: state write ignored"));
  EXPECT_EQ(counter("resets"), 1) << "it was reset for nothing";
}

TEST_F(SmpTraps, Zephyr56581_AChildThatIgnoresAllMarksIsNamed) {
  start({"--ignore-marks", "1000"});
  deliver_all();
  expect_failed(perform(activate()), Errc::mismatch, "marked, but the child does not list it so");
  EXPECT_EQ(counter("resets"), 0);
}

TEST_F(SmpTraps, Zephyr56581_AnIgnoredConfirmIsSentAgain) {
  start_child();
  {
    auto before = stranger();
    before.upload(small_);
    ASSERT_TRUE(before.ask(smp::kImageState, smp::test_request(small_.hash)));
  }
  device_->end(SIGKILL);
  start_child({"--ignore-marks", "1"});  // it starts with the image in test
  serve();
  expect_runs(inspect(), small_.hash, false);
  expect_runs(order(core::Confirm{1, {{0, small_.hash}}}), small_.hash, true);
  EXPECT_THAT(child_log(), testing::HasSubstr("fault: state write ignored"));
  EXPECT_EQ(counter("confirms"), 1);
}

TEST_F(SmpTraps, Zephyr56720_FlagsOfTheAnswerAreOld) {
  start_child({"--stale-flags"});
  {
    auto before = stranger();
    before.upload(small_);
    const auto body = before.ask(smp::kImageState, smp::test_request(small_.hash));
    for (const auto& slot : smp::slots_in(*body).value()) EXPECT_FALSE(slot.pending);
    EXPECT_EQ(counter("tests"), 1) << "it is marked, and the answer does not say so";
  }
  serve();
  expect_runs(order(core::Activate{1, {{0, old_.hash, small_.hash}}}), small_.hash, false);
  expect_runs(order(core::Confirm{1, {{0, small_.hash}}}), small_.hash, true);
  EXPECT_EQ(counter("confirms"), 1);
}

TEST_F(SmpTraps, Zephyr56617_AnImageInTestIsListedAsConfirmed) {
  // Nothing tells it from one that confirmed itself, so that nothing is sent; a reset takes it back, and then every
  // answer says so.
  start({"--wrong-confirmed"});
  deliver_all();
  expect_runs(order(activate()), new_.hash, true);
  EXPECT_EQ(counter("confirms") + counter("self_confirms"), 0) << "it is in test";
  device_->signal(SIGHUP);
  await_child([this] { return counter("reverts") == 1; });
  const auto late = perform(core::Confirm{1, {{0, new_.hash}}});
  ASSERT_TRUE(std::holds_alternative<core::GuardFailed>(late)) << text_of(late);
  expect_runs(std::get<core::GuardFailed>(late).seen, old_.hash, true);
}

// ------------------------------------------------------------------------------------------------------------ row 15

class SmpTrapsOfTwo : public SmpTraps {
 protected:
  SmpTrapsOfTwo() { radio_.write_to(directory_.path / "radio.bin"); }
  [[nodiscard]] Arguments with_radio(Arguments more = {}) const {
    more.insert(more.end(), {"--image", "1=" + (directory_.path / "radio.bin").native()});
    return more;
  }
  [[nodiscard]] core::Activate activate_both() const {
    return {1, {{0, old_.hash, new_.hash}, {1, radio_.hash, new_radio_.hash}}};
  }
  McubootImage radio_{3000, 0, 7};
  McubootImage new_radio_{6000, 1, 8};
};

TEST_F(SmpTrapsOfTwo, Zephyr106151_OneImageInTest) {
  start(with_radio({"--one-revert-per-reset", "--confirm-all"}), {{"confirms_all", true}});
  expect_brought(new_);
  expect_brought(new_radio_, 1);
  const auto tested = order(activate_both());
  expect_image_runs(tested, 0, new_, false);
  expect_image_runs(tested, 1, new_radio_, false);
  reset_button();  // after which only one of them is back
  const auto half = inspect();
  expect_image_runs(half, 0, old_, true);
  expect_image_runs(half, 1, new_radio_, false);
  EXPECT_EQ(counter("reverts"), 1);

  const core::Step back = core::Revert{2, {{0, old_.hash, old_.hash}, {1, new_radio_.hash, radio_.hash}}};
  const auto reverted = order(back);
  expect_image_runs(reverted, 0, old_, true);
  expect_image_runs(reverted, 1, radio_, true);
}

TEST_F(SmpTrapsOfTwo, Zephyr106151_ARevertOfBothGoesOnUntilBothAreBack) {
  start(with_radio({"--one-revert-per-reset", "--confirm-all"}), {{"confirms_all", true}});
  expect_brought(new_);
  expect_brought(new_radio_, 1);
  order(activate_both());
  const auto reverted = order(core::Revert{2, {{0, new_.hash, old_.hash}, {1, new_radio_.hash, radio_.hash}}});
  expect_image_runs(reverted, 0, old_, true);
  expect_image_runs(reverted, 1, radio_, true);
  EXPECT_EQ(counter("reverts"), 2);
  EXPECT_EQ(counter("resets"), 3) << "one reset took both back";
}

// ------------------------------------------------------------------------------------------------------------ row 16

TEST_F(SmpTrapsOfTwo, Mcuboot954_ADependencyThatDoesNotHoldCancels) {
  new_ = with_ending(new_, {.protected_entries = dependency_on(1, 1), .hash_size = 32});
  start(with_radio());
  expect_brought(new_);
  const auto seen = order(core::Activate{1, {{0, old_.hash, new_.hash}}});
  EXPECT_THAT(child_log(), testing::HasSubstr("a dependency does not hold"));
  expect_image_runs(seen, 0, old_, true);
  EXPECT_EQ(counter("swaps"), 0);
  // Both together go.
  expect_brought(new_radio_, 1);
  const auto both = order(activate_both());
  expect_image_runs(both, 0, new_, true);  // for good: a test could only be confirmed by halves
  expect_image_runs(both, 1, new_radio_, true);
}

TEST_F(SmpTrapsOfTwo, Mcuboot1841_OneDependencyCancelsTheOtherImageToo) {
  new_ = with_ending(new_, {.protected_entries = dependency_on(1, 9), .hash_size = 32});
  start(with_radio());
  expect_brought(new_);
  expect_brought(new_radio_, 1);
  const auto seen = order(activate_both());
  EXPECT_EQ(counter("permanents"), 2);
  expect_image_runs(seen, 0, old_, true);
  expect_image_runs(seen, 1, radio_, true);
}

TEST_F(SmpTraps, Mcuboot2812_OneEmptySlotIsEnough) {
  start({"--images", "2"});
  deliver_all();
  const auto seen = order(activate());
  EXPECT_THAT(child_log(), testing::HasSubstr("a dependency does not hold"));
  expect_runs(seen, old_.hash, true);
}

TEST_F(SmpTraps, Mcuboot518_CancelledMarksStay) {
  start({"--images", "2", "--keep-cancelled-marks", "--boot-ms", "300"}, {{"chunk_ms", ms(200ms)}});
  deliver_all();
  const auto seen = order(activate());
  EXPECT_EQ(active(seen)->digest, old_.hash);
  EXPECT_TRUE(slot_of(seen, 0, 1)->pending);
  const auto resets = counter("resets");
  const auto back = order(core::Revert{2, {{0, old_.hash, old_.hash}}});  // bounded, and the answer says so
  EXPECT_TRUE(slot_of(back, 0, 1)->pending);
  EXPECT_LE(counter("resets"), resets + 4);
  expect_failed(bring(small_), Errc::busy, "another image is marked");
}

// ------------------------------------------------------------------------------------------------------------ row 17

class SmpTrapsInRecovery : public SmpTraps {
 protected:
  /// A child that has nothing to boot.
  void start_broken(Arguments more = {}, const Values& profile = {}) {
    ++old_.file[600];
    old_.write_to(directory_.path / "old.bin");
    staging_ = core::Staging::in_place;
    more.insert(more.end(), {"--recovery", "auto"});
    start_child(more);
    Values values = {{"boot_silence_ms", ms(50ms)}};
    for (const auto& [name, value] : profile) values[name] = value;
    serve(values);
  }
  [[nodiscard]] core::Activate activate_from_nothing() const { return {1, {{0, Digest{}, new_.hash}}}; }
};

TEST_F(SmpTrapsInRecovery, Mcuboot1864_Mcuboot1753_ImagesWithoutHashInTheList) {
  start_broken({"--recovery-hashless"});
  EXPECT_EQ(counter("recoveries"), 1);
  EXPECT_EQ(inspect().revert_class, core::RevertClass::unstageable);
  deliver_all();
  const auto listed = slot_of(inspect(), 0, 0);
  ASSERT_TRUE(listed.has_value());
  EXPECT_TRUE(listed->digest.empty());
  expect_runs(order(activate_from_nothing()), new_.hash, true);
}

TEST_F(SmpTrapsInRecovery, Mcuboot249_AnswersOnlyWhatItKnows) {
  // What would be refused is not answered at all, and the erase takes long.
  start_broken({"--silent-unknown", "--erase-ms", "700"}, {{"chunk_ms", ms(200ms)}});
  deliver_all();
  EXPECT_EQ(counter("erases"), 1);
  expect_runs(order(activate_from_nothing()), new_.hash, true);
}

TEST_F(SmpTrapsInRecovery, Mcuboot2830_IsNotLeftWhereNothingCouldBoot) {
  start_broken({"--work-us", "5000"});
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return progress_.size() > 3; });
  stop_.emit(asio::cancellation_type::terminal);
  expect_failed(answer(), Errc::cancelled, "");
  EXPECT_EQ(counter("uploads_completed"), 0);
  deliver_all();  // from the beginning: recovery knows no resume
  EXPECT_EQ(counter("reset_requests"), 0);
  EXPECT_EQ(counter("uploads_started"), 2);
  expect_runs(order(activate_from_nothing()), new_.hash, true);
}

TEST_F(SmpTraps, Mcuboot2830_OurOwnWaitingDoesNotKeepAChildInRecovery) {
  start({"--wait-for-dfu-ms", "800"}, {{"boot_silence_ms", ms(1000ms)}});
  deliver_all();
  expect_runs(order(activate()), new_.hash, false);
  EXPECT_GE(counter("recoveries"), 1) << "nothing was caught";
}

// ------------------------------------------------------------------------------------------------------------ row 18

TEST_F(SmpTraps, AndroidDm242_ReportedFailedThoughUpdated) {
  start({"--self-confirm", "--refuse-confirm"});
  deliver_all();
  expect_runs(order(activate()), new_.hash, true);
  EXPECT_EQ(counter("self_confirms"), 1);
  expect_runs(order(core::Confirm{1, {{0, new_.hash}}}), new_.hash, true);
  deliver_all();  // nothing: it runs
  EXPECT_EQ(counter("uploads_started"), 1);
}

TEST_F(SmpTraps, AndroidDm329_AnswersLostAroundAnUpdateThatHappened) {
  new_ = McubootImage(20000, 1, 2);
  start({"--drop-tx", "150"}, {{"chunk_ms", ms(150ms)}});
  update();
  EXPECT_EQ(counter("swaps"), 1);
  EXPECT_EQ(counter("resets"), 1);
}

TEST_F(SmpTraps, AndroidDmPr215_SlotBusy) {
  start_child();
  {
    auto before = stranger();
    before.upload(small_);
    ASSERT_TRUE(before.ask(smp::kImageState, smp::test_request(small_.hash)));
    EXPECT_THROW(before.send_piece(new_, 0), std::runtime_error) << "the child does not refuse";
  }
  serve();
  const auto started = counter("uploads_started");
  expect_failed(bring(new_), Errc::busy, "another image is marked");
  EXPECT_EQ(counter("uploads_started"), started);
  // Played through and back, the slot is free.
  expect_runs(order(core::Revert{1, {{0, old_.hash, old_.hash}}}), old_.hash, true);
  EXPECT_EQ(counter("reverts"), 1);
  update();
}

}  // namespace
}  // namespace hg
