// SPDX-License-Identifier: Apache-2.0
// The steps of an update through headgate-serial, the program, to an smp_child at the other end of a pty; and what
// interrupts them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/plugin_bench.hpp"

namespace hg {
namespace {

TEST_F(SerialTest, UpdatesAChild) {
  start();
  const auto before = inspect();
  expect_runs(before, old_.hash, true);
  EXPECT_EQ(before.revert_class, core::RevertClass::self_reverting);
  EXPECT_EQ(before.bootloader, "MCUboot mode 3 (swap using move)");
  EXPECT_EQ(active(before)->version, "1.0.0");

  deliver_all();
  EXPECT_EQ(progress_.back(), new_.file.size());
  expect_runs(inspect(), old_.hash, true);  // staging marks nothing
  expect_runs(order(activate()), new_.hash, false);
  expect_runs(order(core::Confirm{1, {{0, new_.hash}}}), new_.hash, true);
  expect_runs(inspect(), new_.hash, true);
  EXPECT_EQ(counter("reset_requests"), 1);
  EXPECT_EQ(counter("uploads_started"), 1);
}

TEST_F(SerialTest, RepeatsNothingThatIsDone) {
  start();
  deliver_all();
  deliver_all();
  EXPECT_EQ(counter("uploads_started"), 1);
  order(activate());
  EXPECT_TRUE(std::holds_alternative<core::GuardFailed>(perform(activate())));
  order(core::Confirm{1, {{0, new_.hash}}});
  order(core::Confirm{1, {{0, new_.hash}}});
  EXPECT_EQ(counter("confirms"), 1);
  EXPECT_EQ(counter("reset_requests"), 1);
}

TEST_F(SerialTest, DoesNothingWhenAGuardFails) {
  start();
  deliver_all();
  const core::Step activate = core::Activate{1, {{0, new_.hash, new_.hash}}};
  const core::Step confirm = core::Confirm{1, {{0, new_.hash}}};
  const core::Step revert = core::Revert{1, {{0, new_.hash, old_.hash}}};
  for (const core::Step& step : {activate, confirm, revert}) {
    const auto seen = perform(step);
    ASSERT_TRUE(std::holds_alternative<core::GuardFailed>(seen)) << text_of(seen);
    expect_runs(std::get<core::GuardFailed>(seen).seen, old_.hash, true);
  }
  EXPECT_EQ(counter("reset_requests") + counter("tests") + counter("confirms"), 0);
}

// -------------------------------------------------------------------------------------------------------- reverting

TEST_F(SerialTest, RevertsATestedImageByAReset) {
  start();
  deliver_all();
  order(activate());
  expect_runs(order(revert(new_.hash)), old_.hash, true);
  EXPECT_EQ(counter("reverts"), 1);
}

TEST_F(SerialTest, RevertsAMarkByPlayingItThrough) {
  start();
  deliver_all();
  plugin_.reset();  // somebody else marks the image
  await_link(false);
  {
    start_plugin();
    await_link(true);
    begin(activate());
    loop_.until([this] { return counter("tests") == 1; });
    plugin_->end(SIGKILL);
    answer();
    await_link(false);
  }
  start_plugin();
  await_link(true);
  const auto seen = inspect();
  const Digest running = active(seen)->digest;  // marked or already swapped: both are to be undone
  expect_runs(order(revert(running)), old_.hash, true);
}

TEST_F(SerialTest, RevertsAConfirmedImageBySwappingTheOldOneBack) {
  start();
  deliver_all();
  order(activate());
  order(core::Confirm{1, {{0, new_.hash}}});
  expect_runs(order(revert(new_.hash)), old_.hash, true);
}

TEST_F(SerialTest, SaysWhatRunsWhenTheBootloaderRefusesTheImage) {
  start({"--reject-image"});
  deliver_all();
  expect_runs(order(activate()), old_.hash, true);
}

TEST_F(SerialTest, PassesARefusedConfirmOn) {
  start({"--refuse-confirm"});
  deliver_all();
  order(activate());
  const auto refused = perform(core::Confirm{1, {{0, new_.hash}}});
  ASSERT_TRUE(std::holds_alternative<core::StepFailed>(refused));
  EXPECT_EQ(std::get<core::StepFailed>(refused).error.code, Errc::denied);
  EXPECT_THAT(text_of(refused), testing::HasSubstr("image error 32"));
}

TEST_F(SerialTest, PassesARefusedResetOn) {
  start({"--refuse-resets", "8"});
  deliver_all();
  EXPECT_EQ(std::get<core::StepFailed>(perform(activate())).error.code, Errc::busy);  // after six
  expect_runs(order(activate()), new_.hash, false);  // the mark stands; the third from then on goes through
}

// ---------------------------------------------------------------------------------------------------- interruptions

TEST_F(SerialTest, ResumesAfterThePluginWasKilled) {
  start({"--baud", "1500000"});
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return !progress_.empty() && progress_.back() > new_.file.size() / 3; });
  plugin_->end(SIGKILL);
  EXPECT_EQ(std::get<core::StepFailed>(answer()).error.code, Errc::unavailable);
  await_link(false);
  start_plugin();
  await_link(true);
  deliver_all();
  EXPECT_EQ(counter("resumes"), 1);
  EXPECT_LT(counter("upload_bytes"), static_cast<std::int64_t>(new_.file.size() + 4096));
}

TEST_F(SerialTest, StopsWhenItIsCancelledAndServesOn) {
  start({"--baud", "1500000"});
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return !progress_.empty(); });
  stop_.emit(asio::cancellation_type::terminal);
  EXPECT_EQ(std::get<core::StepFailed>(answer()).error.code, Errc::cancelled);
  expect_runs(inspect(), old_.hash, true);
  EXPECT_EQ(counter("uploads_completed"), 0);
}

TEST_F(SerialTest, GoesOnWithANewDaemon) {
  start({"--baud", "1500000"});
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return !progress_.empty(); });
  board_->stop();
  EXPECT_EQ(std::get<core::StepFailed>(answer()).error.code, Errc::unavailable);
  links_.clear();
  ASSERT_TRUE(board_->start());
  await_link(true);  // the plugin comes by itself
  deliver_all();
  EXPECT_EQ(counter("resumes"), 1);
}

TEST_F(SerialTest, BeginsAgainWhenTheChildRebootsInTheMiddle) {
  start({"--reboot-at", "30000"});
  deliver_all();
  EXPECT_EQ(counter("uploads_started"), 2);
  expect_runs(order(activate()), new_.hash, false);
}

TEST_F(SerialTest, BeginsAgainWhenTheChildForgetsTheUpload) {
  start({"--lose-upload-state-at", "30000"});
  deliver_all();
}

TEST_F(SerialTest, NamesAnUploadThatDoesNotGoOn) {
  start({"--stuck-at", "10000"});
  EXPECT_THAT(text_of(perform(deliver(), new_.descriptor())), testing::HasSubstr("no progress at offset "));
}

TEST_F(SerialTest, ComesThroughALossyLine) {
  start({"--drop-rx", "20", "--drop-tx", "20"}, {{"chunk_ms", std::int64_t{100}}});
  deliver_all();
  expect_runs(order(activate()), new_.hash, false);
  expect_runs(order(core::Confirm{1, {{0, new_.hash}}}), new_.hash, true);
}

TEST_F(SerialTest, ComesThroughANoisyLine) {
  start({"--noise", "--duplicate-answers"});
  deliver_all();
  expect_runs(order(activate()), new_.hash, false);
  expect_runs(order(core::Confirm{1, {{0, new_.hash}}}), new_.hash, true);
}

TEST_F(SerialTest, ComesThroughLateAnswers) {
  start({"--late-answer-ms", "150", "--late-per-mille", "30"}, {{"chunk_ms", std::int64_t{100}}});
  deliver_all();
  expect_runs(order(activate()), new_.hash, false);
}

TEST_F(SerialTest, TalksToAnOldServer) {
  start({"--smp", "v1", "--unsupported-version", "13", "--definite", "--no-params", "--no-bootloader-info"},
        {{"chunk_ms", std::int64_t{300}}});
  EXPECT_EQ(inspect().revert_class, core::RevertClass::unknown);
  deliver_all();
  expect_runs(order(activate()), new_.hash, false);
}

TEST_F(SerialTest, FindsThePacketsThatFewLineBuffersTake) {
  start({"--line-buffers", "2"}, {{"chunk_ms", std::int64_t{200}}});
  deliver_all();
}

TEST_F(SerialTest, UsesLargePacketsOnASlowChildWithALineGap) {
  start({"--line-buffers", "2", "--drain-us", "500"},
        {{"chunk_ms", std::int64_t{500}}, {"line_gap_ms", std::int64_t{3}}});
  deliver_all();
  EXPECT_LT(counter("packets"), 300);  // without the gap: 182 bytes each, more than 400
}

TEST_F(SerialTest, GivesUpOnAMuteChild) {
  child_.patience.answer = 600ms;
  start({"--mute"}, {{"chunk_ms", std::int64_t{150}}});
  const auto silent = perform(core::Inspect{});
  EXPECT_EQ(std::get<core::StepFailed>(silent).error.code, Errc::timed_out);
}

TEST_F(SerialTest, GivesUpOnAChildThatFallsSilentInATransfer) {
  start({"--mute-after-bytes", "40000"}, {{"chunk_ms", std::int64_t{50}}});
  EXPECT_EQ(std::get<core::StepFailed>(perform(deliver(), new_.descriptor())).error.code, Errc::timed_out);
}

TEST_F(SerialTest, EndsCleanlyAtSigterm) {
  start();
  const int status = plugin_->end(SIGTERM);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace hg
