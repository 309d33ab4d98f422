// SPDX-License-Identifier: Apache-2.0
// What an upload goes by, each by itself: the session's numbers and versions against a child in memory, and the pure
// parts that decide about packet size, window and time-outs, by table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <utility>

#include "plugins/loop.hpp"
#include "plugins/memory_child.hpp"
#include "smp/learned.hpp"
#include "smp/packet_size.hpp"
#include "smp/round_trip.hpp"
#include "smp/window.hpp"

namespace hg::smp {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::MemoryChild;

class SmpSession : public testing::Test {
 protected:
  template <class T>
  T run(asio::awaitable<T> task) {
    return loop_.wait(std::move(task));
  }
  Result<Bytes> ask(Command command, Patience patience = {.answer = 100ms, .attempts = 3}) {
    return ask(session_, command, patience);
  }
  Result<Bytes> ask(Session& session, Command command, Patience patience = {.answer = 100ms, .attempts = 3}) {
    Bytes packet = empty_request();
    return run(session.ask(command, packet, patience));
  }
  std::uint8_t send(Command command) {
    Bytes packet = empty_request();
    return run(session_.send(command, packet, child_.now() + 1s)).value();
  }
  Result<Answer> next(Milliseconds patience = 100ms) { return run(session_.next(child_.now() + patience)); }
  static bool is(const MemoryChild::Asked& asked, Command command) {
    return asked.header.group == command.group && asked.header.command == command.id && asked.header.op == command.op;
  }
  [[nodiscard]] std::vector<int> versions() const {
    std::vector<int> versions;
    for (const auto& asked : child_.asked) versions.push_back(asked.header.version + 1);
    return versions;
  }

  test::Loop loop_;
  MemoryChild child_;
  Session session_{child_, child_};
};

// ------------------------------------------------------------------------------------------------- one at a time

TEST_F(SmpSession, AsksAgainWithTheSameNumber) {
  child_.loses_request = [this](const auto&) { return child_.asked.size() <= 2; };
  ASSERT_TRUE(ask(kImageList));
  ASSERT_EQ(child_.asked.size(), 3U);
  EXPECT_EQ(child_.asked[0].header.sequence, child_.asked[2].header.sequence);
  ASSERT_TRUE(ask(kImageList));
  EXPECT_NE(child_.asked[2].header.sequence, child_.asked[3].header.sequence);
}

TEST_F(SmpSession, TakesALateAnswerButNotForTheNextQuestion) {
  ask(kImageList);
  child_.answer_time = 150ms;
  EXPECT_TRUE(ask(kImageList));  // the answer to the first attempt comes in the second
  child_.answer_time = 80ms;
  const auto reset = ask(kReset, {.answer = 100ms, .attempts = 1});
  ASSERT_TRUE(reset);
  EXPECT_EQ(to_hex(*reset), "a0");  // not the second list, which was still on its way
}

TEST_F(SmpSession, EndsAtTheDeadline) {
  child_.loses_request = [](const auto&) { return true; };
  const auto begun = child_.now();
  const auto answer = ask(kImageList, {.answer = 100ms, .attempts = 1000, .deadline = begun + 350ms});
  EXPECT_EQ(answer.error().code, Errc::timed_out);
  EXPECT_EQ(child_.now(), begun + 350ms);
}

/// A line in the raw framing: after an error it is silent before it writes, longer than an answer is waited for.
class SilentAfterErrors : public MemoryChild {
 public:
  asio::awaitable<Result<void>> write(ByteView packet, SteadyTime deadline) override {
    if (std::exchange(is_anew_, false)) sleep_for(3300ms);
    co_return co_await MemoryChild::write(packet, deadline);
  }
  void resynchronize() override { is_anew_ = true; }

 private:
  bool is_anew_ = false;
};

TEST_F(SmpSession, WaitsForTheAnswerFromWhenTheLineHasSentTheQuestion) {
  SilentAfterErrors child;
  Session session(child, child);
  child.loses_request = [&](const auto&) { return child.asked.size() == 2; };
  const Patience poll{.answer = 1000ms, .attempts = 1};
  EXPECT_TRUE(ask(session, kImageList, poll));
  EXPECT_FALSE(ask(session, kImageList, poll));
  EXPECT_TRUE(ask(session, kImageList, poll));
}

TEST_F(SmpSession, NeverRepeatsAResetForAnotherVersion) {
  child_.loses_request = [](const auto&) { return true; };
  EXPECT_FALSE(ask(kReset, {.answer = 100ms, .attempts = 1}));
  EXPECT_EQ(child_.asked.size(), 1U);
}

TEST_F(SmpSession, AnswersThatAreNoCborAreErrors) {
  child_.answers_instead = [](const auto&) { return *from_hex("ff"); };
  EXPECT_EQ(ask(kImageList).error().code, Errc::invalid);
}

// --------------------------------------------------------------------------------------------------------- versions

TEST_F(SmpSession, FallsBackToVersion1WhenNothingElseIsAnswered) {
  child_.speaks_v2 = false;
  ASSERT_TRUE(ask(kImageList));
  EXPECT_EQ(child_.asked.back().header.version, 0);
  ASSERT_TRUE(ask(kImageList));  // tries version 2 once more
  const std::size_t before = child_.asked.size();
  ASSERT_TRUE(ask(kImageList));
  EXPECT_EQ(child_.asked.size(), before + 1);  // remembered
  child_.speaks_v2 = true;
  child_.reopen();
  ASSERT_TRUE(ask(kImageList));
  EXPECT_EQ(child_.asked.back().header.version, 1);
}

TEST_F(SmpSession, ChangesTheVersionThatIsRefused) {
  struct Row {
    const char* refusal;
    std::uint8_t refused;  // the header's
    std::vector<int> expected;
  };
  for (const auto& [refusal, refused, expected] : {Row{"a16272630d", 1, {2, 1}}, Row{"a16272630c", 0, {2}}}) {
    MemoryChild child;
    Session session(child, child);
    child.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
      if (asked.header.version != refused) return std::nullopt;
      return *from_hex(refusal);
    };
    ASSERT_TRUE(ask(session, kImageList));
    EXPECT_EQ(child.asked.size(), expected.size()) << refusal;
    EXPECT_EQ(child.asked.back().header.version + 1, expected.back());
  }
}

TEST_F(SmpSession, ChangesBackWhenVersion1IsRefusedLater) {
  child_.speaks_v2 = false;
  ASSERT_TRUE(ask(kImageList));
  child_.speaks_v2 = true;  // another firmware
  child_.answers_instead = [](const auto& asked) -> std::optional<Bytes> {
    if (asked.header.version != 0) return std::nullopt;
    return *from_hex("a16272630c");
  };
  ASSERT_TRUE(ask(kImageList));
  EXPECT_EQ(child_.asked.back().header.version, 1);
}

TEST_F(SmpSession, AVersionThatTheProfileNamesIsKept) {
  child_.answers_instead = [](const auto&) { return *from_hex("a16272630d"); };
  Session only_v2(child_, child_, Speaks::only_v2);
  EXPECT_FALSE(ask(only_v2, kImageList));
  EXPECT_EQ(versions(), (std::vector{2}));
  child_.asked.clear();
  Session only_v1(child_, child_, Speaks::only_v1);
  EXPECT_FALSE(ask(only_v1, kImageList));
  child_.loses_request = [](const auto&) { return true; };
  EXPECT_FALSE(ask(only_v1, kImageList, {.answer = 100ms, .attempts = 2}));
  EXPECT_EQ(versions(), (std::vector{1, 1, 1}));
}

TEST_F(SmpSession, TakesTheErrorsOfVersion1InAnswersOfVersion2) {
  child_.answers_instead = [](const auto&) { return *from_hex("bf62726308ff"); };
  EXPECT_EQ(ask(kImageList).error().code, Errc::unsupported);
  EXPECT_EQ(versions(), (std::vector{2}));
}

// ------------------------------------------------------------------------------------------------------ several

TEST_F(SmpSession, BringsTheAnswersOfAllThatWasSent) {
  child_.work_time = 10ms;
  const std::set<std::uint8_t> sent = {send(kImageList), send(kImageList), send(kParams)};
  ASSERT_EQ(sent.size(), 3U);
  std::set<std::uint8_t> answered;
  for (int i = 0; i < 3; ++i) {
    const auto answer = next();
    ASSERT_TRUE(answer);
    answered.insert(answer->sequence);
    EXPECT_EQ(answer->refusal.has_value(), i == 2);  // os params is not supported
    EXPECT_EQ(answer->body.has_value(), i != 2);
  }
  EXPECT_EQ(answered, sent);
  EXPECT_EQ(next().error().code, Errc::timed_out);
}

TEST_F(SmpSession, DropsWhatIsNoAnswerToAnythingSent) {
  child_.doubles_answers = true;
  const std::uint8_t first = send(kImageList);
  EXPECT_EQ(next()->sequence, first);
  const std::uint8_t second = send(kImageList);
  EXPECT_EQ(next()->sequence, second);
  EXPECT_FALSE(next());
  ASSERT_TRUE(ask(kImageList));
}

TEST_F(SmpSession, GarbageIsAnAnswerThatMakesNoSense) {
  child_.answers_instead = [](const auto&) { return *from_hex("83"); };
  const std::uint8_t sent = send(kImageUpload);
  const auto answer = next();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->sequence, sent);
  EXPECT_EQ(answer->body.error().code, Errc::invalid);
  EXPECT_FALSE(answer->refusal);
}

TEST_F(SmpSession, AnUnansweredNumberIsNotUsedAgainWhenTheNumbersWrap) {
  child_.loses_request = [this](const auto&) { return child_.asked.size() == 3; };
  std::vector<std::uint8_t> numbers;
  for (int i = 0; i < 600; ++i) {
    numbers.push_back(send(kImageList));
    EXPECT_EQ(next(1ms + child_.answer_time).has_value(), i != 2) << i;
  }
  EXPECT_EQ(std::ranges::count(numbers, numbers[2]), 1);
  EXPECT_EQ(std::ranges::count(numbers, numbers[3]), 3);
  child_.sleep_for(61s);  // no answer comes as late as that
  for (int i = 0; i < 256; ++i) {
    numbers.push_back(send(kImageList));
    next();
  }
  EXPECT_EQ(std::ranges::count(numbers, numbers[2]), 2);
}

TEST_F(SmpSession, WhenAllNumbersAreOutTheOldestGoesFirst) {
  child_.loses_request = [](const auto&) { return true; };
  const std::uint8_t first = send(kImageList);
  for (int i = 1; i < 256; ++i) {
    child_.sleep_for(1ms);
    send(kImageList);
  }
  EXPECT_EQ(send(kImageList), first);
}

TEST_F(SmpSession, ALateAnswerOfTheFormerUseIsNotTakenForTheNew) {
  child_.answer_time = 500ms;
  const std::uint8_t late = send(kImageList);
  EXPECT_FALSE(next(100ms));
  child_.answer_time = 5ms;
  bool has_come = false;
  for (int i = 0; i < 300 && !has_come; ++i) {
    const std::uint8_t number = send(kParams);
    EXPECT_NE(number, late);
    auto answer = next(20ms);
    has_come = answer && answer->sequence == late;  // somewhere among the others
    if (has_come) answer = next(20ms);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->sequence, number);
  }
  EXPECT_TRUE(has_come);
}

// -------------------------------------------------------------------------------------------------------- round trip

TEST(SmpRoundTrip, WaitsAsAnswersTook) {
  RoundTrip trip(2500ms);
  EXPECT_EQ(trip.timeout(100), 2500ms);  // nothing is known
  for (int i = 0; i < 50; ++i) trip.took(20ms, 100);
  EXPECT_EQ(trip.timeout(100), RoundTrip::kLeast);
  EXPECT_EQ(trip.timeout(100, 2), 4 * RoundTrip::kLeast);
  EXPECT_EQ(trip.timeout(100, 60), 2500ms);
  for (int i = 0; i < 50; ++i) trip.took(400ms, 1000);
  EXPECT_GE(trip.timeout(1000), 400ms);
  EXPECT_LE(trip.timeout(1000), 650ms);
  EXPECT_GE(trip.timeout(4000), 1600ms);  // on a slow line
  trip.took(1200ms, 1000);                // one that was late
  EXPECT_GE(trip.timeout(1000), 1200ms);
  EXPECT_EQ(RoundTrip(50ms).timeout(1), 50ms);
}

// ------------------------------------------------------------------------------------------------------- packet size

class SmpPacketSize : public testing::Test {
 protected:
  void pass(unsigned count) {
    for (unsigned i = 0; i < count; ++i) size_.passed(size_.current());
  }
  const std::vector<std::size_t> steps_ = {128, 182, 368, 740, 1484};
  PacketSize size_;
};

TEST_F(SmpPacketSize, GoesDownStepByStepAfterTwoInARow) {
  size_.begin(steps_, 1020, 1020, PacketSize::kCare);
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 10; ++i) {
    size_.lost(size_.current());
    sizes.push_back(size_.current());
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1020, 740, 740, 368, 368, 182, 182, 128, 128, 128}));
}

TEST_F(SmpPacketSize, OneLossAmongManyIsTheLinesFault) {
  size_.begin(steps_, 1020, 1020, PacketSize::kCare);
  for (int i = 0; i < 100; ++i) {
    size_.lost(1020);
    pass(1);
  }
  EXPECT_EQ(size_.current(), 1020U);
}

TEST_F(SmpPacketSize, GoesUpAgainByOnePacketAfterManyThatPassed) {
  size_.begin(steps_, 1020, 368, PacketSize::kCare);
  pass(PacketSize::kCare - 1);
  EXPECT_EQ(size_.next(), 368U);
  pass(1);
  EXPECT_EQ(size_.next(), 740U);
  size_.sent(740);
  EXPECT_EQ(size_.next(), 368U);  // one at a time
  pass(3);
  EXPECT_EQ(size_.next(), 368U);
  size_.passed(740);
  EXPECT_EQ(size_.current(), 740U);
}

TEST_F(SmpPacketSize, ALargerPacketThatFailedIsTriedLaterEachTime) {
  size_.begin(steps_, 1020, 368, PacketSize::kCare);
  std::vector<unsigned> waits;
  for (int i = 0; i < 5; ++i) {
    unsigned waited = 0;
    for (; size_.next() == 368; ++waited) pass(1);
    waits.push_back(waited);
    size_.sent(740);
    size_.lost(740);
    EXPECT_EQ(size_.current(), 368U);
  }
  EXPECT_EQ(waits, (std::vector<unsigned>{64, 256, 1024, 4096, 4096}));
}

TEST_F(SmpPacketSize, ATrialThatToldNothingIsMadeAgain) {
  size_.begin(steps_, 1020, 368, PacketSize::kSoon);
  pass(PacketSize::kSoon);
  size_.sent(size_.next());
  size_.stop_trying();
  EXPECT_EQ(size_.next(), 740U);
}

TEST_F(SmpPacketSize, IsNeverAboveTheMostNorBelowTheLeast) {
  size_.begin(steps_, 1020, 1020, PacketSize::kSoon);
  pass(5000);
  EXPECT_EQ(size_.next(), 1020U);
  size_.fall();
  EXPECT_EQ(size_.current(), 128U);
  size_.begin(steps_, 100, 500, PacketSize::kSoon);
  EXPECT_EQ(size_.current(), 100U);
  for (int i = 0; i < 4; ++i) size_.lost(size_.current());
  EXPECT_EQ(size_.current(), 100U);
}

// ------------------------------------------------------------------------------------------------------------ window

class SmpWindow : public testing::Test {
 protected:
  /// So many packets at rates that hang on the width; returns the widths that were in use, without repetitions.
  template <class Rate>
  std::vector<unsigned> pass(unsigned count, Rate&& packets_a_second) {
    std::vector<unsigned> widths = {window_.current()};
    for (unsigned i = 0; i < count; ++i) {
      const double rate = packets_a_second(window_.current());
      now_ += std::chrono::duration_cast<SteadyTime::duration>(std::chrono::duration<double>(1 / rate));
      window_.passed(1000, now_);
      if (window_.current() != widths.back()) widths.push_back(window_.current());
    }
    return widths;
  }
  SteadyTime now_{};
  Window window_;
};

TEST_F(SmpWindow, GrowsWhileThatPays) {
  window_.begin(1, 7);
  EXPECT_EQ(pass(1000, [](unsigned width) { return 100.0 * width; }), (std::vector<unsigned>{1, 2, 4, 7}));
  EXPECT_EQ(window_.proven(), 7U);
}

TEST_F(SmpWindow, StaysWhereMoreIsNotFasterAndHardlyTriesAgain) {
  window_.begin(1, 7);
  const auto widths = pass(5000, [](unsigned width) { return width == 1 ? 100.0 : 102.0; });
  EXPECT_LE(widths.size(), 1U + 2 * 4);  // 1, then 2 and 1 again a few times, farther and farther apart
  EXPECT_EQ(window_.proven(), 1U);
}

TEST_F(SmpWindow, OneLossEndsATrial) {
  window_.begin(1, 7);
  unsigned trials = 0;
  for (int i = 0; i < 5000; ++i) {
    pass(1, [](unsigned) { return 100.0; });
    if (!window_.is_trying()) continue;
    ++trials;
    window_.lost();
    EXPECT_EQ(window_.current(), 1U);
  }
  EXPECT_GE(trials, 2U);
  EXPECT_LE(trials, 5U);
}

TEST_F(SmpWindow, HalvesWhenSomethingGetsLostAndComesBackSlowlier) {
  window_.begin(8, 8);
  std::vector<unsigned> waits;
  for (int i = 0; i < 4; ++i) {
    window_.lost();
    EXPECT_EQ(window_.current(), 4U);
    unsigned packets = 0;
    for (; window_.proven() != 8; ++packets) pass(1, [](unsigned width) { return 100.0 * width; });
    waits.push_back(packets);
  }
  EXPECT_TRUE(std::ranges::is_sorted(waits));
  EXPECT_GT(waits.back(), 3 * waits.front());
}

TEST_F(SmpWindow, ALackOfMemoryHalvesItAndIsNotTriedAgain) {
  window_.begin(4, 4);
  window_.refused();
  EXPECT_EQ(window_.current(), 2U);
  pass(5000, [](unsigned width) { return 100.0 * width; });
  EXPECT_EQ(window_.current(), 3U);
}

TEST_F(SmpWindow, AWidthThatTheProfileNamesIsKept) {
  window_.pin(4);
  pass(1000, [](unsigned) { return 100.0; });
  window_.lost();
  EXPECT_EQ(window_.current(), 4U);
  window_.refused();
  EXPECT_EQ(window_.current(), 2U);
}

TEST_F(SmpWindow, NeverLeavesItsBounds) {
  window_.begin(9, 3);
  EXPECT_EQ(window_.current(), 3U);
  window_.begin(1, 0);
  for (int i = 0; i < 5; ++i) {
    window_.lost();
    window_.refused();
  }
  pass(500, [](unsigned width) { return 100.0 * width; });
  EXPECT_EQ(window_.current(), 1U);
}

// ----------------------------------------------------------------------------------------------------------- learned

TEST(SmpLearned, IsOneSmallTextThatIsReadStrictly) {
  const Learned learned{1020, 4, 2ms};
  EXPECT_EQ(text_of(learned), "headgate-learned 1\npacket 1020\nwindow 4\nline_gap_ms 2\n");
  EXPECT_EQ(learned_from(text_of(learned)).value(), learned);
  const std::string good = text_of(learned);
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(learned_from(good.substr(0, size))) << size;
  for (const char* bad : {"headgate-learned 2\npacket 1\nwindow 1\nline_gap_ms 0\n",
                          "headgate-learned 1\npacket 70000\nwindow 1\nline_gap_ms 0\n",
                          "headgate-learned 1\npacket 1\nwindow 256\nline_gap_ms 0\n",
                          "headgate-learned 1\npacket 1\nwindow 1\nline_gap_ms 1001\n",
                          "headgate-learned 1\npacket -1\nwindow 1\nline_gap_ms 0\n",
                          "headgate-learned 1\npacket  1\nwindow 1\nline_gap_ms 0\n",
                          "headgate-learned 1\nwindow 1\npacket 1\nline_gap_ms 0\n",
                          "headgate-learned 1\npacket 1\nwindow 1\nline_gap_ms 0\n\n",
                          "headgate-learned 1\npacket 18446744073709551617\nwindow 1\nline_gap_ms 0\n"}) {
    EXPECT_FALSE(learned_from(bad)) << bad;
  }
}

TEST(SmpLearned, IsKeptForEachChildAndForgottenWithTheDirectory) {
  const test::Directory directory;
  const LearnedStore store(directory.path);
  EXPECT_EQ(store.load("boiler"), Learned{});
  const Learned boiler{740, 2, 5ms};
  store.save("boiler", boiler);
  store.save("../cellar/\xc3\xa4", {128, 1, 0ms});
  EXPECT_EQ(LearnedStore(directory.path).load("boiler"), boiler);
  EXPECT_EQ(store.load("../cellar/\xc3\xa4").packet, 128U);
  const std::filesystem::directory_iterator files(directory.path);
  EXPECT_EQ(std::distance(begin(files), end(files)), 2);  // nothing half written, nothing outside
  std::ofstream(directory.path / "boiler.learned") << "nonsense";
  EXPECT_EQ(store.load("boiler"), Learned{});

  for (const std::filesystem::path& nowhere : {std::filesystem::path{}, directory.path / "missing"}) {
    LearnedStore(nowhere).save("boiler", boiler);
    EXPECT_EQ(LearnedStore(nowhere).load("boiler"), Learned{});
  }
}

}  // namespace
}  // namespace hg::smp
