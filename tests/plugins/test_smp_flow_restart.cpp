// SPDX-License-Identifier: Apache-2.0
// What a restart of the child makes uncertain although the link stays up: the version that is spoken, and the pace.
// Another application may have come up, with smaller buffers, or one that knows more than the one before.
#include <gtest/gtest.h>

#include "plugins/loop.hpp"
#include "plugins/memory_child.hpp"
#include "smp/pace.hpp"

namespace hg::smp {
namespace {

using namespace std::chrono_literals;
using test::MemoryChild;

class SmpRestarted : public testing::Test {
 protected:
  SmpRestarted() {
    child_.answers_instead = [this](const auto& asked) -> std::optional<Bytes> {
      if (asked.header.group != kParams.group || asked.header.command != kParams.id) return std::nullopt;
      Bytes body;
      cbor::Writer(body).map(2).text("buf_size").uint(buffer_size_).text("buf_count").uint(buffer_count_);
      return body;
    };
  }
  Result<Bytes> ask(Command command, Patience patience = {.answer = 100ms, .attempts = 3}) {
    Bytes packet = empty_request();
    return loop_.wait(session_.ask(command, packet, patience));
  }
  /// Until the child has started again, with what `change` made of it.
  void restart(std::function<void()> change = [] {}) {
    child_.after_reset = std::move(change);
    ASSERT_TRUE(ask(kReset, {.answer = 100ms, .attempts = 1}));
    child_.sleep_for(1s);
    ASSERT_EQ(child_.resets, 1U);
  }
  void find() {
    const auto found = loop_.wait(pace_.find(session_, child_, false));
    ASSERT_TRUE(found) << found.error().message;
  }
  /// What asking for the list takes, by the version of each packet.
  std::vector<int> versions_of_a_list() {
    child_.asked.clear();
    EXPECT_TRUE(ask(kImageList));
    std::vector<int> versions;
    for (const auto& asked : child_.asked) versions.push_back(asked.header.version + 1);
    return versions;
  }

  test::Loop loop_;
  MemoryChild child_;
  Session session_{child_, child_};
  unsigned buffer_size_ = 1024, buffer_count_ = 4;
  Profile profile_;
  Pace pace_{profile_, {1020, 3, 0ms}};
};

// --------------------------------------------------------------------------------------------------------- versions

TEST_F(SmpRestarted, Version2IsTriedAgainAfterAReset) {
  child_.speaks_v2 = false;
  for (int i = 0; i < 3; ++i) versions_of_a_list();
  EXPECT_EQ(versions_of_a_list(), (std::vector{1})) << "it is not settled";
  restart([this] { child_.speaks_v2 = true; });
  EXPECT_EQ(versions_of_a_list(), (std::vector{2}));
}

TEST_F(SmpRestarted, ASilenceThatMayHaveBeenTheStartIsNoProofOfVersion1) {
  child_.loses_request = [this](const auto&) { return child_.asked.size() <= 3; };
  EXPECT_EQ(versions_of_a_list(), (std::vector{2, 2, 2, 1}));
  child_.loses_request = [](const auto&) { return false; };
  EXPECT_EQ(versions_of_a_list(), (std::vector{2}));
  EXPECT_EQ(versions_of_a_list(), (std::vector{2}));
}

TEST_F(SmpRestarted, Version2IsTriedOnceMoreAndThenNotAgain) {
  child_.speaks_v2 = false;
  EXPECT_EQ(versions_of_a_list(), (std::vector{2, 2, 2, 1}));
  EXPECT_EQ(versions_of_a_list(), (std::vector{2, 1}));
  EXPECT_EQ(versions_of_a_list(), (std::vector{1}));
}

TEST_F(SmpRestarted, AnApplicationThatKnowsOnlyVersion1IsFound) {
  ASSERT_TRUE(ask(kImageList));
  child_.after_reset = [this] { child_.speaks_v2 = false; };
  ASSERT_TRUE(ask(kReset, {.answer = 100ms, .attempts = 1}));
  EXPECT_EQ(versions_of_a_list(), (std::vector{2})) << "the old application, which is still there";
  child_.sleep_for(1s);
  EXPECT_FALSE(ask(kImageList));
  EXPECT_TRUE(ask(kImageList));
}

TEST_F(SmpRestarted, AVersionThatTheProfileNamesIsKeptAfterAReset) {
  child_.speaks_v2 = false;
  Session only_v1(child_, child_, Speaks::only_v1);
  for (const Command command : {kImageList, kReset, kImageList}) {
    Bytes packet = empty_request();
    ASSERT_TRUE(loop_.wait(only_v1.ask(command, packet, {.answer = 100ms, .attempts = 1})));
    EXPECT_EQ(child_.asked.back().header.version, 0);
    child_.sleep_for(1s);
  }
}

// ------------------------------------------------------------------------------------------------------------- pace

TEST_F(SmpRestarted, SmallerBuffersAreSeenBeforeAPacketIsTooLarge) {
  find();
  EXPECT_EQ(pace_.packet(), 1020U);
  EXPECT_EQ(pace_.window(), 3U);
  restart([this] {
    buffer_size_ = 384;
    buffer_count_ = 2;
    child_.largest = 380;
  });
  child_.asked.clear();
  find();
  EXPECT_EQ(pace_.packet(), 380U);
  EXPECT_EQ(pace_.window(), 1U);
  for (const auto& asked : child_.asked) EXPECT_LE(asked.body.size() + kHeaderSize, 380U);
}

TEST_F(SmpRestarted, SmallerPacketsAreFoundWhereTheChildDoesNotSaySo) {
  find();
  restart([this] { child_.largest = 200; });
  find();
  EXPECT_EQ(pace_.packet(), 182U);
}

TEST_F(SmpRestarted, TheSamePaceTakesThreeQuestions) {
  find();
  restart();
  child_.asked.clear();
  find();
  EXPECT_EQ(child_.asked.size(), 3U);  // params, two echoes
  EXPECT_EQ(pace_.packet(), 1020U);
  EXPECT_EQ(pace_.window(), 3U);
  find();
  EXPECT_EQ(child_.asked.size(), 3U);
}

TEST_F(SmpRestarted, APauseBetweenLinesIsForgotten) {
  buffer_size_ = 384;
  child_.line_buffers = 2;
  child_.line_time = 2ms;
  child_.answer_time = 20ms;
  find();
  EXPECT_EQ(child_.line_gap, 2ms);
  restart([this] {
    buffer_size_ = 256;
    child_.line_buffers = 0;
  });
  find();
  EXPECT_EQ(pace_.packet(), 252U);
  EXPECT_EQ(child_.line_gap, 0ms);
}

TEST_F(SmpRestarted, ASilentChildMayHaveStartedByItself) {
  find();
  child_.loses_request = [](const auto&) { return true; };
  EXPECT_FALSE(ask(kImageList));
  child_.loses_request = [](const auto&) { return false; };
  buffer_size_ = 384;
  find();
  EXPECT_EQ(pace_.packet(), 380U);
}

}  // namespace
}  // namespace hg::smp
