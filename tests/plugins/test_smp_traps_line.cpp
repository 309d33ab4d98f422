// SPDX-License-Identifier: Apache-2.0
// Known traps of lines and of time (reference smp.md, section 8, rows 1 to 4, 13, 18, 19): each test has the name of
// the issue that other clients died of. It shows that the fault is there, then what headgate does.
#include <sys/ioctl.h>

#include "plugins/replay_link.hpp"
#include "plugins/traps.hpp"

namespace hg {
namespace {

using std::chrono::steady_clock;

// ------------------------------------------------------------------------------------------------------------- row 1

TEST_F(SmpTraps, Zephyr9509_EraseInTheFirstRequest) {
  start_child({"--erase-ms", "1200"});
  {
    auto before = stranger();
    before.upload(small_, 1000);
    EXPECT_FALSE(before.send_piece(old_, 0, 300ms)) << "nobody else waits for the erase";
  }
  const auto begun = steady_clock::now();
  serve({{"chunk_ms", ms(200ms)}});
  deliver_all();
  EXPECT_GE(steady_clock::now() - begun, 1200ms);  // it erases once more
  EXPECT_EQ(counter("erases"), 2);
  EXPECT_EQ(counter("uploads_started"), 3) << "the first request was taken for lost";
}

TEST_F(SmpTraps, Zephyr16278_TwoProgramsOnOneLine) {
  start_child();
  Program terminal("/usr/bin/flock", {"--no-fork", tty(), "sh", "-c", "echo has it; exec sleep 300"});
  ASSERT_EQ(terminal.line(), "has it");
  enroll({{"reset_delay_ms", ms(20ms)}});
  start_plugin();
  await_trouble("is in use by process ");
  EXPECT_EQ(counter("packets"), 0) << "bytes went to a line that another program reads";
  terminal.end(SIGKILL);
  await_link(true);
  const UniqueFd second(::open(tty().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  int is_exclusive = 0;  // for root, who is let in nevertheless
  const bool is_kept_out = second.get() < 0 || (::ioctl(second.get(), TIOCGEXCL, &is_exclusive) == 0 && is_exclusive);
  EXPECT_TRUE(is_kept_out);
}

TEST_F(SmpTraps, Zephyr29891_TheLineDropsBytes) {
  start({"--lose-bytes-per-million", "150"}, {{"chunk_ms", ms(200ms)}});
  update();
  EXPECT_GT(counter("link_drops"), 0);
}

// ------------------------------------------------------------------------------------------------------------- row 2

TEST_F(SmpTraps, Zephyr17608_SecondUploadTimesOutAtOffsetZero) {
  start({"--erase-ms", "1200"}, {{"chunk_ms", ms(200ms)}});
  expect_brought(small_);
  EXPECT_EQ(counter("erases"), 0);
  const auto begun = steady_clock::now();
  deliver_all();
  EXPECT_GE(steady_clock::now() - begun, 1200ms);
  EXPECT_EQ(counter("erases"), 1);
  EXPECT_EQ(counter("uploads_started"), 2) << "the first request was taken for lost";
  EXPECT_EQ(counter("resumes"), 0);
}

TEST_F(SmpTraps, MynewtMcumgr28_TheLinkDiesDuringTheErase) {
  start({"--erase-ms", "1200"}, {{"chunk_ms", ms(800ms)}});
  expect_brought(small_);
  begin(deliver(), new_.descriptor());
  await_child([this] { return counter("erases") == 1; });
  device_->signal(SIGUSR1);
  expect_failed(answer(), Errc::unavailable, "");
  await_link(false);
  device_->signal(SIGUSR2);
  await_link(true);
  update();
  EXPECT_LE(counter("uploads_started"), 3);
}

// ------------------------------------------------------------------------------------------------------------- row 3

TEST_F(SmpTraps, Zephyr44898_AnswerLostWhenNoBufferIsSpare) {
  start({"--no-spare-buffer", "--buf-count", "2", "--work-us", "2000"},
        {{"window", std::int64_t{2}}, {"chunk_ms", ms(200ms)}});
  deliver_all();
  EXPECT_GT(counter("no_buffer"), 0);
  EXPECT_EQ(counter("uploads_started"), 1);
  EXPECT_EQ(counter("upload_bytes"), static_cast<std::int64_t>(new_.file.size()));
}

TEST_F(SmpTraps, Zephyr44898_WhatWasCarriedOutIsNotDoneTwice) {
  new_ = McubootImage(20000, 1, 2);
  start({"--lose-every-answer", "3"}, {{"chunk_ms", ms(150ms)}});
  update();
  for (const char* once : {"uploads_started", "uploads_completed", "tests", "swaps", "confirms", "resets"}) {
    EXPECT_EQ(counter(once), 1) << once;
  }
  EXPECT_EQ(counter("upload_bytes"), static_cast<std::int64_t>(new_.file.size()));
}

// ------------------------------------------------------------------------------------------------------------- row 4

TEST_F(SmpTraps, Zephyr51594_ServerHangsUntilAReboot) {
  child_.patience.answer = 1500ms;
  new_ = small_;
  start({"--hang-on-lost-link", "--work-us", "200000"}, {{"chunk_ms", ms(500ms)}, {"packet", std::int64_t{1020}}});
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return !progress_.empty(); });
  const auto packets = counter("packets");
  await_child([&] { return counter("packets") > packets; });  // the next one is in work
  plugin_->end(SIGKILL);
  answer();
  await_link(false);
  await_child([this] { return child_log().find("fault: the server hangs") != std::string::npos; });
  start_plugin();
  await_link(true);
  expect_failed(perform(core::Inspect{}), Errc::timed_out, "");
  reset_button();
  child_.patience.answer = 20s;
  expect_runs(inspect(), old_.hash, true);
  deliver_all();
}

// ------------------------------------------------------------------------------------------------------------ row 13

TEST_F(SmpTraps, Zephyr46728_BurstsOverAShell) {
  new_ = McubootImage(20000, 1, 2);
  start_child({"--noise", "--line-buffers", "2", "--drain-us", "500"});
  {
    auto before = stranger();
    EXPECT_TRUE(before.ask(smp::kEcho, smp::echo_request(100))) << "two lines";
    EXPECT_FALSE(before.send_piece(new_, 0, 300ms)) << "ten lines at once";
  }
  const auto overruns = counter("link_drops");
  EXPECT_GT(overruns, 0);
  EXPECT_EQ(counter("uploads_started"), 0) << "no other client would get beyond its first request";
  serve({{"chunk_ms", ms(200ms)}});
  update();
  EXPECT_EQ(counter("uploads_started"), 1);
  EXPECT_LT(counter("link_drops") - overruns, counter("packets") / 8) << "more than finding the pace takes";
}

// ------------------------------------------------------------------------------------------------------------ row 18

TEST_F(SmpTraps, AndroidDm127_SwapTime) {
  start({"--swap-ms", "2500"}, {{"chunk_ms", ms(200ms)}});
  deliver_all();
  const auto begun = steady_clock::now();
  expect_runs(order(activate()), new_.hash, false);
  EXPECT_GE(steady_clock::now() - begun, 2500ms);
  EXPECT_EQ(counter("resets"), 1);
}

TEST_F(SmpTraps, AndroidDm127_ASwapBeyondAllPatienceIsNamedAndSeenLater) {
  start({"--swap-ms", "2500"}, {{"chunk_ms", ms(200ms)}});
  deliver_all();
  child_.patience.answer = child_.patience.swap = 500ms;
  expect_failed(perform(activate()), Errc::timed_out, "");
  child_.patience.answer = 20s;
  expect_runs(inspect(), new_.hash, false);
  EXPECT_EQ(counter("resets"), 1) << "it was reset in the middle of the swap";
}

TEST_F(SmpTraps, AndroidDm203_HangAtUpload) {
  start({"--mute-after-bytes", "40000"}, {{"chunk_ms", ms(50ms)}});
  expect_failed(perform(deliver(), new_.descriptor()), Errc::timed_out, "upload at offset ");
  EXPECT_GT(counter("upload_bytes"), 0);
}

TEST_F(SmpTraps, IosDm52_ParamsUnanswered) {
  start_child({"--silent-params"});
  EXPECT_FALSE(stranger().ask(smp::kParams, smp::empty_request(), 150ms));
  serve({{"chunk_ms", ms(150ms)}});
  update();
}

TEST_F(SmpTraps, IosDm80_OneSequence) {
  // The groups of SMP ask in turns on one connection; each request has the number after the one before.
  const auto place = directory_.path / "recordings";
  plugin_options_ = {"--record", place};
  start({"--duplicate-answers"});
  update();
  plugin_->end(SIGTERM);
  const auto file = std::filesystem::directory_iterator(place)->path();
  std::optional<std::uint8_t> last;
  std::set<std::uint16_t> groups;
  unsigned answers = 0, requests = 0;
  smp::Link::Limits limits;
  for (const test::Recorded& event : test::read_recording(file, limits)) {
    if (event.kind == test::Recorded::Kind::received) ++answers;
    if (event.kind != test::Recorded::Kind::sent) continue;
    const auto header = smp::header_of(event.packet);
    ASSERT_TRUE(header.has_value()) << event.place;
    const auto expected = static_cast<std::uint8_t>(last.value_or(header->sequence) + (last ? 1 : 0));
    EXPECT_EQ(header->sequence, expected) << event.place;
    last = header->sequence;
    groups.insert(header->group);
    ++requests;
  }
  EXPECT_GT(groups.size(), 1U);
  EXPECT_GT(answers, requests) << "no answer came twice";
}

// ------------------------------------------------------------------------------------------------------------ row 19

TEST_F(SmpTraps, McumgrClient21_LostFrame) {
  start({"--drop-rx", "40", "--drop-tx", "40"}, {{"chunk_ms", ms(150ms)}});
  update();
  EXPECT_GT(counter("packets"), counter("upload_bytes") / 1020) << "nothing was sent again";
}

TEST_F(SmpTraps, Smpclient22_LineLength) {
  start_child();
  {
    auto before = stranger();
    Bytes packet = smp::echo_request(200);
    smp::put_header(packet, smp::kEcho, 1, 0);
    Bytes lines;
    smp::encode_console(packet, lines);
    ASSERT_EQ(lines[126], '\n');
    EXPECT_TRUE(before.ask_with(smp::kEcho, lines, 2s)) << "127 bytes";
    lines.erase(lines.begin() + 126, lines.begin() + 129);  // the newline and the next marker
    EXPECT_FALSE(before.ask_with(smp::kEcho, lines, 150ms)) << "a longer line";
  }
  const auto dropped = counter("link_drops");
  EXPECT_GT(dropped, 0);
  serve();
  update();
  EXPECT_EQ(counter("link_drops"), dropped);
}

TEST_F(SmpTraps, McumgrToolkit_EokIsNoError) {
  start_child({"--smp", "v1"});
  const auto echo = stranger().ask(smp::kEcho, smp::echo_request(20));
  ASSERT_TRUE(echo.has_value());
  const Bytes said_ok = {0x62, 'r', 'c', 0x00};
  EXPECT_NE(std::search(echo->begin(), echo->end(), said_ok.begin(), said_ok.end()), echo->end());
  serve();
  update();
}

}  // namespace
}  // namespace hg
