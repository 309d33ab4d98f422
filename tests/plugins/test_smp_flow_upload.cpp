// SPDX-License-Identifier: Apache-2.0
// Pace and upload against a child in memory, in a time that only jumps: which packets are found, how many are on their
// way, what is sent again and what is not, and how every upload ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <set>

#include "plugins/loop.hpp"
#include "plugins/memory_child.hpp"
#include "smp/upload.hpp"

namespace hg::smp {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::digest_of;
using test::MemoryChild;
using testing::HasSubstr;

class SmpUpload : public testing::Test {
 protected:
  SmpUpload() { params(1024, 2); }

  template <class T>
  T run(asio::awaitable<T> task) {
    return loop_.wait(std::move(task));
  }
  /// What os params answers; 0, 0: rc 8.
  void params(unsigned size, unsigned count) {
    size_ = size;
    count_ = count;
  }
  /// Answers of its own, before those that the test names.
  std::optional<Bytes> told(const MemoryChild::Asked& asked) const {
    if (!is(asked, kParams) || size_ == 0) return std::nullopt;
    Bytes body;
    cbor::Writer(body).map(2).text("buf_size").uint(size_).text("buf_count").uint(count_);
    return body;
  }
  void answer_by(std::function<std::optional<Bytes>(const MemoryChild::Asked&)> answer) { answer_ = std::move(answer); }
  static Bytes off(std::uint64_t offset) {
    Bytes body;
    cbor::Writer(body).map(1).text("off").uint(offset);
    return body;
  }

  Result<void> find(bool is_recovery = false) {
    child_.answers_instead = [this](const auto& asked) {
      auto body = told(asked);
      return body || !answer_ ? body : answer_(asked);
    };
    if (!pace_) pace_.emplace(profile_, learned_);
    return run(pace_->find(session_, child_, is_recovery));
  }
  Result<UploadEnd> upload(std::size_t size, bool is_recovery = false) {
    image_.resize(size);
    for (std::size_t i = 0; i < size; ++i) image_[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    UniqueFd file(::memfd_create("image", MFD_CLOEXEC));
    EXPECT_EQ(::write(file.get(), image_.data(), size), static_cast<ssize_t>(size));
    if (const auto found = find(is_recovery); !found) return found.error();
    begun_ = child_.now();
    begun_asking_ = child_.asked.size();
    wire_before_ = child_.wire_bytes;
    const UploadSource source{plugin::ImageView(std::move(file)), size, digest_of(9), 0, is_recovery};
    const auto note = [this](std::uint64_t done, std::uint64_t) { progress_.push_back(done); };
    Upload upload(session_, *pace_, child_, profile_);
    auto end = run(upload.run(source, note));
    took_ = std::chrono::duration_cast<Milliseconds>(child_.now() - begun_);
    return end;
  }
  /// Uploads, and expects that all of it arrived.
  void expect_complete(std::size_t size, bool is_recovery = false) {
    const auto end = upload(size, is_recovery);
    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(*end, UploadEnd::complete);
    EXPECT_EQ(child_.flash, image_);
    EXPECT_EQ(progress_.back(), size);
  }
  static bool is(const MemoryChild::Asked& asked, Command command) {
    return asked.header.group == command.group && asked.header.command == command.id && asked.header.op == command.op;
  }
  static std::function<bool(const MemoryChild::Asked&)> first(unsigned count, Command command) {
    return [left = count, command](const MemoryChild::Asked& asked) mutable {
      if (left == 0 || !is(asked, command)) return false;
      --left;
      return true;
    };
  }
  /// The `number`th upload request, from 1.
  std::function<bool(const MemoryChild::Asked&)> nth(std::set<unsigned> numbers) {
    return [numbers = std::move(numbers), seen = 0U](const MemoryChild::Asked& asked) mutable {
      return is(asked, kImageUpload) && numbers.contains(++seen);
    };
  }
  [[nodiscard]] std::size_t pieces() const { return child_.count(kImageUpload); }

  test::Loop loop_;
  MemoryChild child_;
  Session session_{child_, child_};
  Profile profile_;
  Learned learned_;
  std::optional<Pace> pace_;
  unsigned size_ = 0, count_ = 0;
  std::function<std::optional<Bytes>(const MemoryChild::Asked&)> answer_;
  Bytes image_;
  std::vector<std::uint64_t> progress_;
  SteadyTime begun_{};
  Milliseconds took_{};
  std::size_t begun_asking_ = 0, wire_before_ = 0;
};

// -------------------------------------------------------------------------------------------------- finding the pace

TEST_F(SmpUpload, FindsTheLargestPacketByEcho) {
  for (const auto& [largest, expected] :
       {std::pair{2000U, 1020U}, {1020U, 1020U}, {1000U, 740U}, {200U, 182U}, {140U, 128U}}) {
    child_.largest = largest;
    pace_.reset();
    ASSERT_TRUE(find());
    EXPECT_EQ(pace_->packet(), expected) << largest;
  }
}

TEST_F(SmpUpload, NeverTriesMoreThanBufferAndLinkTake) {
  struct Row {
    unsigned buffer;
    std::size_t link;
    bool is_recovery;
    std::size_t expected;
  };
  child_.largest = 100000;
  for (const Row& row : {Row{1024, 8192, false, 1020}, Row{1024, 8192, true, 1016}, Row{2048, 1472, false, 1472},
                         Row{384, 1472, false, 380}, Row{0, 8192, false, 1020}, Row{10, 8192, false, 1020},
                         Row{110, 8192, false, 106}, Row{65535, 8192, false, 8192}}) {
    params(row.buffer, 2);
    child_.limits_are = {row.link, {128, 182, 368, 740, 1484, 2972}, 1, true, true};
    child_.asked.clear();
    pace_.reset();
    ASSERT_TRUE(find(row.is_recovery));
    EXPECT_EQ(pace_->packet(), row.expected);
    for (const auto& asked : child_.asked) EXPECT_LE(asked.body.size() + kHeaderSize, row.expected);
  }
}

TEST_F(SmpUpload, AsksOnceInAnOpening) {
  ASSERT_TRUE(find());
  const std::size_t asked = child_.asked.size();
  ASSERT_TRUE(find());
  EXPECT_EQ(child_.asked.size(), asked);
  child_.reopen();
  ASSERT_TRUE(find());
  EXPECT_LE(child_.asked.size(), asked + 3);  // what was known is verified, not found again
}

TEST_F(SmpUpload, ParamsThatAreNotAnsweredAreNoMatter) {  // smp.md 8.18: iOS-DM#52
  child_.loses_request = [](const auto& asked) { return is(asked, kParams); };
  profile_.chunk = 500ms;
  expect_complete(20000);
  EXPECT_EQ(pace_->window(), 1U);
}

TEST_F(SmpUpload, AChildWithoutEchoLearnsByTheUpload) {
  answer_by([](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kEcho)) return std::nullopt;
    return *from_hex("bf62726308ff");
  });
  child_.largest = 740;
  expect_complete(60000);
  EXPECT_EQ(pace_->learned().packet, 740U);
  EXPECT_LT(pieces(), 130U);
}

TEST_F(SmpUpload, BeginsWithWhatWasLearnedAndVerifiesIt) {
  learned_ = {1020, 1, 0ms};
  ASSERT_TRUE(find());
  EXPECT_EQ(pace_->packet(), 1020U);
  EXPECT_EQ(child_.asked.size(), 3U);  // params, two echoes
  child_.largest = 200;                // another firmware
  pace_.reset();
  ASSERT_TRUE(find());
  EXPECT_EQ(pace_->packet(), 182U);
  EXPECT_EQ(pace_->learned().packet, 182U);
}

TEST_F(SmpUpload, LearnsALineGapWhereTheChildHasFewLineBuffers) {  // smp.md 2.1, point 2
  params(384, 2);
  child_.line_buffers = 2;
  child_.line_time = 2ms;
  child_.answer_time = 20ms;
  expect_complete(50000);
  EXPECT_EQ(pace_->learned(), (Learned{380, 1, 2ms}));
  EXPECT_EQ(child_.line_gap, 2ms);
}

TEST_F(SmpUpload, TakesSmallPacketsWhereALineGapIsSlower) {
  params(384, 2);
  child_.line_buffers = 2;
  child_.line_time = 9ms;  // no gap that is tried is enough
  child_.answer_time = 20ms;
  expect_complete(20000);
  EXPECT_EQ(pace_->learned(), (Learned{182, 1, 0ms}));
  EXPECT_EQ(child_.line_gap, 0ms);
}

TEST_F(SmpUpload, APacketSizeInTheProfileIsNotLookedFor) {
  profile_.packet = 500;
  profile_.window = 3;
  ASSERT_TRUE(find());
  EXPECT_EQ(child_.count(kEcho), 0U);
  EXPECT_EQ(pace_->packet(), 500U);
  EXPECT_EQ(pace_->window(), 3U);
  EXPECT_EQ(pace_->learned(), (Learned{0, 0, 0ms}));
}

TEST_F(SmpUpload, ALinkThatIsGoneIsSaidSo) {
  child_.link_lost_for_after_reset = 10s;
  Bytes packet = empty_request();
  ASSERT_TRUE(run(session_.ask(kReset, packet, {})));
  child_.sleep_for(300ms);
  EXPECT_EQ(find().error().code, Errc::unavailable);
}

// ---------------------------------------------------------------------------------------------------- going straight

TEST_F(SmpUpload, SendsEachByteOnce) {
  expect_complete(50000);
  EXPECT_TRUE(std::ranges::is_sorted(progress_));
  EXPECT_EQ(pieces(), 51U);
  EXPECT_EQ(child_.most_waiting, 1U);
}

TEST_F(SmpUpload, PiecesEndAtMultiples) {
  profile_.chunk_align = 16;
  expect_complete(50001);
  progress_.pop_back();
  for (const std::uint64_t offset : progress_) EXPECT_EQ(offset % 16, 0U);
}

TEST_F(SmpUpload, ResumesWhereTheChildSays) {
  upload(30000);
  child_.flash.resize(12345);
  const std::size_t before = pieces();
  expect_complete(30000);
  EXPECT_LE(pieces() - before, 20U);
}

TEST_F(SmpUpload, GoesToWhateverOffsetTheChildNames) {
  bool is_back = false;
  answer_by([&](const auto& asked) -> std::optional<Bytes> {
    if (is_back || !is(asked, kImageUpload) || child_.flash.size() < 5000) return std::nullopt;
    is_back = true;
    child_.flash.resize(2000);  // it lost some
    return off(2000);
  });
  expect_complete(10000);
  EXPECT_FALSE(std::ranges::is_sorted(progress_));
}

TEST_F(SmpUpload, BeginsAgainWithAllFieldsWhenTheChildLostTheUpload) {
  bool is_lost = false;
  answer_by([&](const auto& asked) -> std::optional<Bytes> {
    if (is_lost || !is(asked, kImageUpload) || child_.flash.size() < 5000) return std::nullopt;
    is_lost = true;
    child_.flash.clear();
    return off(0);
  });
  expect_complete(10000);
  const auto names_length = [](const auto& asked) {
    return std::string(asked.body.begin(), asked.body.end()).find("clen") != std::string::npos;
  };
  EXPECT_EQ(std::ranges::count_if(child_.asked, names_length), 2);
}

TEST_F(SmpUpload, WhenOnlyTheLastAnswerIsLostTheListMustTell) {
  child_.uploaded = digest_of(2);
  bool is_lost = false;
  child_.loses_answer = [&](const auto& asked) {
    return is(asked, kImageUpload) && child_.slots.size() == 2 && !std::exchange(is_lost, true);
  };
  EXPECT_EQ(upload(3000).value(), UploadEnd::start_again);
  EXPECT_LT(pieces(), 6U);
}

TEST_F(SmpUpload, SaysThatTheChildFoundItDamaged) {
  answer_by([&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload) || child_.flash.size() < 2500) return std::nullopt;
    return *from_hex("a2636f6666190bb8656d61746368f4");  // 3000, match: false
  });
  EXPECT_EQ(upload(3000).error().code, Errc::mismatch);
}

// ----------------------------------------------------------------------------------------------- several at once

TEST_F(SmpUpload, KeepsSeveralOnTheirWayWhereThatPays) {
  params(1024, 4);
  child_.buffers = 4;
  child_.work_time = 2ms;
  child_.answer_time = 10ms;
  expect_complete(500000);
  EXPECT_EQ(child_.most_waiting, 3U);  // never more than buf_count - 1
  EXPECT_LE(pieces(), 504U);
  EXPECT_LT(took_, 504 * 6ms);  // one at a time: 12 ms each
  EXPECT_EQ(pace_->learned().window, 3U);
}

TEST_F(SmpUpload, TheFirstPieceGoesAlone) {
  params(1024, 8);
  profile_.window = 7;
  child_.answer_time = 20ms;
  child_.flash.assign(6000, 0);
  const auto end = upload(20000);
  ASSERT_TRUE(end);
  EXPECT_EQ(progress_.front(), 6000U);  // resumed; nothing in between was sent
  EXPECT_LE(pieces(), 17U);
}

TEST_F(SmpUpload, SeveralAreNotWorthItWhereTheChildWorksAsFastAsTheLine) {
  params(1024, 8);
  child_.work_time = 10ms;
  child_.answer_time = 0ms;
  expect_complete(200000);
  EXPECT_EQ(pace_->learned().window, 1U);
}

TEST_F(SmpUpload, LosesLittleToAChildWithTooFewLineBuffersForTwo) {  // smp.md 4.4
  params(1024, 8);
  child_.line_buffers = 12;  // one packet of 1020 bytes has 12 lines
  child_.line_time = 1ms;
  child_.work_time = 1ms;
  child_.answer_time = 15ms;
  expect_complete(500000);
  EXPECT_EQ(pace_->learned().window, 1U);
  EXPECT_LE(child_.overruns, 12U);
  EXPECT_LE(pieces(), 520U);
}

TEST_F(SmpUpload, LackOfMemoryHalvesTheWindow) {
  params(1024, 8);
  profile_.window = 4;
  child_.buffers = 2;  // fewer than the child says
  child_.work_time = 2ms;
  expect_complete(100000);
  EXPECT_EQ(pace_->window(), 2U);
  EXPECT_LE(pieces(), 110U);
}

TEST_F(SmpUpload, OneLostPieceAmongSeveralIsSentAgainWithoutWaiting) {
  params(1024, 5);
  profile_.window = 4;
  child_.work_time = 5ms;
  child_.loses_request = nth({20});
  expect_complete(50000);
  EXPECT_LE(pieces(), 51U + 4U);
  EXPECT_LT(took_, 51 * 6ms + 60ms);  // no time-out was needed
}

TEST_F(SmpUpload, OneLostAnswerAmongSeveralCostsNothing) {
  params(1024, 5);
  profile_.window = 4;
  child_.work_time = 5ms;
  child_.loses_answer = nth({20, 30});
  expect_complete(50000);
  EXPECT_EQ(pieces(), 51U);
}

TEST_F(SmpUpload, AWindowComesThroughAnyLossAndTheWrapOfTheNumbers) {
  params(1024, 8);
  child_.work_time = 1ms;
  for (const unsigned window : {0U, 2U, 7U}) {
    for (const unsigned one_in : {2000U, 10000U, 100000U}) {
      profile_.window = window;
      pace_.reset();
      child_.reopen();
      child_.flash.clear();
      child_.loses_one_byte_in = one_in;
      expect_complete(400000);
    }
  }
}

// ------------------------------------------------------------------------------------------------- losses and waits

TEST_F(SmpUpload, OneByteInTenThousandLostCostsLessThanAThirdMore) {
  child_.work_time = 5ms;
  expect_complete(512 * 1024);
  const std::size_t straight = child_.wire_bytes - wire_before_;
  for (const auto& [buffer, count] : {std::pair{1024U, 2U}, {1024U, 8U}, {384U, 2U}, {2048U, 4U}}) {
    params(buffer, count);
    pace_.reset();
    child_.reopen();
    child_.flash.clear();
    child_.largest = buffer - 4;
    child_.loses_one_byte_in = 10000;
    expect_complete(512 * 1024);
    const double ratio = static_cast<double>(child_.wire_bytes - wire_before_) / static_cast<double>(straight);
    EXPECT_LE(ratio, 1.3) << buffer << ", " << count;
  }
}

TEST_F(SmpUpload, SmallerPacketsWhenTheLineLosesMore) {
  child_.loses_one_byte_in = 1000;
  expect_complete(100000);
  EXPECT_LT(pace_->learned().packet, 740U);
}

TEST_F(SmpUpload, WaitsForALostPieceOnlyAsLongAsAnswersTake) {
  child_.loses_request = nth({10, 20, 30, 40});
  expect_complete(50000);
  EXPECT_EQ(pieces(), 55U);
  EXPECT_LT(took_, 4 * 200ms + 55 * 5ms);  // not 2.5 s each
}

TEST_F(SmpUpload, ALongEraseIsWaitedForAndBegunOnce) {  // smp.md 8.1, 8.2
  child_.erase_time = 30s;
  child_.buffers = 4;
  expect_complete(20000);
  EXPECT_EQ(pieces(), 21U);
  EXPECT_LE(child_.count(kEcho), 10U + 16U);  // a small question now and then
}

TEST_F(SmpUpload, ALostFirstPieceIsNotWaitedForLikeAnErase) {
  child_.loses_request = nth({1});
  expect_complete(20000);
  EXPECT_LT(took_, 1s);  // the child answers an echo, so it does not erase
}

TEST_F(SmpUpload, AnErasingChildThatAnswersNoEchoIsWaitedForToo) {
  child_.erase_time = 30s;
  profile_.packet = 500;
  child_.loses_request = [](const auto& asked) { return is(asked, kEcho); };
  expect_complete(20000);
  EXPECT_EQ(std::ranges::count(progress_, 0U), 0);
}

TEST_F(SmpUpload, ASlowChildIsNotAskedTwice) {
  child_.answer_time = 900ms;
  expect_complete(20000);
  EXPECT_EQ(pieces(), 21U);
}

TEST_F(SmpUpload, AnswersThatComeLateAreTakenAndWaitedForFromThenOn) {
  unsigned number = 0;
  child_.loses_answer = [&](const auto& asked) {
    if (is(asked, kImageUpload)) child_.answer_time = ++number > 10 ? 400ms : 5ms;
    return false;
  };
  expect_complete(50000);
  EXPECT_LE(pieces(), 51U + 5U);
}

TEST_F(SmpUpload, DoubledAnswersAreTakenOnce) {
  child_.doubles_answers = true;
  expect_complete(50000);
  EXPECT_EQ(pieces(), 51U);
}

TEST_F(SmpUpload, SmallerPacketsWhenTheSizeIsTheTrouble) {
  child_.largest = 300;
  profile_.packet = 1020;
  expect_complete(30000);
  EXPECT_LT(took_, 10s);
}

TEST_F(SmpUpload, GoesUpAgainWhenTheTroubleIsOver) {
  ASSERT_TRUE(find());
  child_.loses_request = [this](const auto& asked) {
    return child_.flash.size() < 20000 && asked.body.size() > 400 && child_.flash.size() > 5000;
  };
  expect_complete(400000);
  EXPECT_EQ(pace_->learned().packet, 1020U);
}

TEST_F(SmpUpload, Version1ChildrenAreUploadedTo) {
  child_.speaks_v2 = false;
  profile_.chunk = 200ms;
  Bytes packet = empty_request();
  ASSERT_TRUE(run(session_.ask(kImageList, packet, {.answer = 100ms, .attempts = 1})));
  expect_complete(20000);
}

TEST_F(SmpUpload, SerialRecoveryBeginsAnewAndHasOneAtATime) {  // smp.md 6
  params(1024, 8);
  profile_.window = 4;
  child_.is_recovery = true;
  child_.largest = 1019;
  child_.flash.assign(7000, 0);
  expect_complete(20000, true);
  EXPECT_EQ(child_.most_waiting, 1U);
  for (const auto& asked : child_.asked) {
    EXPECT_EQ(std::string(asked.body.begin(), asked.body.end()).find("csha"), std::string::npos);
  }
  EXPECT_EQ(pieces(), 21U);
}

// ----------------------------------------------------------------------------------------------- ends that have names

TEST_F(SmpUpload, NoProgressIsAnErrorWithAName) {  // smp.md 8.9: zephyr#44219
  answer_by([&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload) || child_.flash.size() < 5000) return std::nullopt;
    return off(2000);
  });
  const auto stuck = upload(10000);
  ASSERT_FALSE(stuck);
  EXPECT_EQ(stuck.error().code, Errc::io);
  EXPECT_THAT(stuck.error().message, HasSubstr("no progress at offset 2000"));
  EXPECT_LT(pieces(), 20U);
}

TEST_F(SmpUpload, AChildThatGoesBackAgainAndAgainIsGivenUp) {
  answer_by([&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload) || child_.flash.size() < 5000) return std::nullopt;
    child_.flash.resize(1000);
    return off(1000);
  });
  const auto end = upload(10000);
  EXPECT_EQ(end.error().code, Errc::io);
  EXPECT_THAT(end.error().message, HasSubstr("goes back again and again"));
  EXPECT_LT(pieces(), 120U);
}

TEST_F(SmpUpload, AnOffsetBeyondTheImageIsAnError) {
  answer_by([](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload)) return std::nullopt;
    return off(10000000);
  });
  EXPECT_EQ(upload(10000).error().code, Errc::invalid);
}

TEST_F(SmpUpload, SilenceInTheMiddleEndsInTime) {
  child_.loses_request = [this](const auto& asked) { return is(asked, kImageUpload) && child_.flash.size() > 5000; };
  const auto end = upload(10000);
  EXPECT_EQ(end.error().code, Errc::timed_out);
  EXPECT_THAT(end.error().message, HasSubstr("at offset"));
  EXPECT_LT(took_, 30s);
}

TEST_F(SmpUpload, SilenceFromTheBeginningEndsInTime) {
  ASSERT_TRUE(find());
  child_.loses_request = [](const auto&) { return true; };
  EXPECT_EQ(upload(10000).error().code, Errc::timed_out);
  EXPECT_LE(took_, 2 * profile_.erase);
}

TEST_F(SmpUpload, ABusyChildIsWaitedForAndNotForEver) {
  unsigned refusals = 0;
  answer_by([&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload) || child_.flash.size() < 3000 || refusals == 0) return std::nullopt;
    --refusals;
    return *from_hex("a16272630a");
  });
  refusals = 8;
  expect_complete(10000);
  child_.flash.clear();
  refusals = 1000;
  const auto end = upload(10000);
  EXPECT_EQ(end.error().code, Errc::busy);
  EXPECT_LT(took_, 60s);
}

TEST_F(SmpUpload, AWriteErrorThatPersistsIsNamed) {  // smp.md 8.9: zephyr#44219
  for (const char* refusal : {"a163657272a26567726f7570016272630c", "a162726301"}) {
    unsigned left = 2;
    answer_by([&](const auto& asked) -> std::optional<Bytes> {
      if (!is(asked, kImageUpload) || child_.flash.size() < 3000 || left == 0) return std::nullopt;
      --left;
      return *from_hex(refusal);
    });
    child_.flash.clear();
    expect_complete(10000);  // it passes
    left = 1000;
    child_.flash.clear();
    const auto end = upload(10000);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, Errc::io);
    EXPECT_THAT(end.error().message, HasSubstr("cannot write"));
    EXPECT_THAT(end.error().message, HasSubstr("at offset 3"));
  }
}

TEST_F(SmpUpload, AFirstPieceThatCannotBeWrittenIsNamedLikeALaterOne) {
  for (const char* refusal : {"a163657272a26567726f7570016272630b", "a163657272a26567726f7570016272630c",
                              "a163657272a26567726f7570016272630d", "a162726301"}) {
    unsigned left = 2;
    answer_by([&](const auto& asked) -> std::optional<Bytes> {
      if (!is(asked, kImageUpload) || left == 0) return std::nullopt;
      --left;
      return *from_hex(refusal);
    });
    child_.flash.clear();
    expect_complete(10000);  // it passes
    left = 1000;
    child_.flash.clear();
    const std::size_t before = pieces();
    const auto end = upload(10000);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, Errc::io) << "nobody would erase the slot";
    EXPECT_THAT(end.error().message, HasSubstr("at offset 0"));
    EXPECT_EQ(pieces(), before + 3);
  }
}

TEST_F(SmpUpload, ARefusalOfTheImageEndsItAtOnce) {
  answer_by([](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload)) return std::nullopt;
    return *from_hex("a163657272a26567726f7570016272631817");  // bad magic
  });
  EXPECT_EQ(upload(10000).error().code, Errc::denied);
  EXPECT_EQ(pieces(), 1U);
}

TEST_F(SmpUpload, GarbageIsSurvivedAndNotForEver) {
  unsigned left = 5;
  answer_by([&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload) || child_.flash.size() < 3000 || left == 0) return std::nullopt;
    --left;
    return *from_hex(left % 2 == 0 ? "83" : "a0");
  });
  expect_complete(10000);
  child_.flash.clear();
  left = 1000;
  EXPECT_EQ(upload(10000).error().code, Errc::invalid);
}

TEST_F(SmpUpload, AFileThatIsTooShortIsAnError) {
  ASSERT_TRUE(find());
  UniqueFd file(::memfd_create("image", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), 3000), 0);
  const UploadSource source{plugin::ImageView(std::move(file)), 5000, digest_of(9), 0, false};
  Upload upload(session_, *pace_, child_, profile_);
  EXPECT_EQ(run(upload.run(source, {})).error().code, Errc::io);
}

}  // namespace
}  // namespace hg::smp
