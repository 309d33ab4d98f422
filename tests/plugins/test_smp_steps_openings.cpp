// SPDX-License-Identifier: Apache-2.0
// A link that is open only while a step runs, as a Bluetooth connection is: what each step costs when the child is the
// one of before, and that nothing is believed that may have changed meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/steps_fixture.hpp"

namespace hg::smp {
namespace {

using namespace std::chrono_literals;
using test::digest_of;
using test::kNew;
using test::kOld;
using Asked = test::MemoryChild::Asked;

class SmpOpenings : public test::StepsTest {
 protected:
  SmpOpenings() {
    child_.mode = 3;
    child_.limits_are = Link::Limits{2048, {128, 495, 1020}, 1, false, false, true};
    child_.answers_instead = [this](const Asked& asked) -> std::optional<Bytes> {
      if (!has_kit_ || !is(asked, kKitStatus)) return std::nullopt;
      Bytes body;
      cbor::Writer(body).map(2).text("v").uint(1).text("id").text("boiler-7");
      return body;
    };
  }
  /// The step on a connection of its own: the requests that it took, without those of the image itself.
  template <class Step>
  std::size_t questions_of(const Step& step) {
    child_.reopen();
    const std::size_t before = child_.asked.size() - child_.count(kImageUpload);
    step();
    child_.close();
    return child_.asked.size() - child_.count(kImageUpload) - before;
  }
  void never_rescued() {
    profile_.rescue = Rescue::never;
    renew();
  }

  bool has_kit_ = true;
};

// ------------------------------------------------------------------------------------------------- what a step costs

TEST_F(SmpOpenings, LaterInspectsAskForWhatChangesOnly) {
  never_rescued();
  EXPECT_EQ(questions_of([this] { ASSERT_TRUE(inspect()); }), 4U);  // list, bootloader, its mode, kit
  EXPECT_EQ(questions_of([this] { ASSERT_TRUE(inspect()); }), 2U);  // list, kit
}

TEST_F(SmpOpenings, WhereAChildCanBeRescuedOneMoreQuestionTellsWhoAnswers) {
  EXPECT_EQ(questions_of([this] { ASSERT_TRUE(inspect()); }), 5U);  // the console's echo, too
  EXPECT_EQ(questions_of([this] { ASSERT_TRUE(inspect()); }), 3U);  // list, console's echo, kit
}

TEST_F(SmpOpenings, OnlyTheFirstIsKeptQuiet) {
  child_.reopen();
  SteadyTime begun = child_.now();
  ASSERT_TRUE(inspect());
  EXPECT_EQ(child_.asked.front().at, begun + 1500ms);
  child_.close();
  child_.sleep_for(10s);
  child_.reopen();
  begun = child_.now();
  const std::size_t before = child_.asked.size();
  ASSERT_TRUE(inspect());
  EXPECT_EQ(child_.asked.at(before).at, begun);
}

/// Beside them as many as on a link whose openings may each be another child.
class WholeUpdates : public SmpOpenings, public testing::WithParamInterface<bool> {};

TEST_P(WholeUpdates, CostThisManyQuestions) {
  child_.limits_are->is_opened_on_demand = GetParam();
  never_rescued();
  struct Row {
    const char* step;
    std::function<bool()> run;
    std::size_t on_demand, otherwise;
  };
  const Row rows[] = {
      {"inspect", [this] { return inspect().has_value(); }, 4, 4},
      {"deliver", [this] { return deliver(20000).has_value(); }, 8, 10},
      {"inspect again", [this] { return inspect().has_value(); }, 2, 4},
      {"activate", [this] { return activate_one().has_value(); }, 13, 15},
      {"confirm", [this] { return confirm_one(kNew).has_value(); }, 4, 6},
      {"inspect at last", [this] { return inspect().has_value(); }, 2, 4},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.step);
    const std::size_t questions = questions_of([&] { EXPECT_TRUE(row.run()); });
    EXPECT_EQ(questions, GetParam() ? row.on_demand : row.otherwise);
  }
  expect_runs(kNew, true);
  EXPECT_EQ(child_.resets, 1U);
}

INSTANTIATE_TEST_SUITE_P(Links, WholeUpdates, testing::Bool(),
                         [](const auto& row) { return row.param ? "OnDemand" : "Otherwise"; });

// --------------------------------------------------------------------------------------------------- links that drop

TEST_F(SmpOpenings, ADeliveryOverALinkThatDropsEndsResumedEachTime) {
  never_rescued();
  unsigned left = 10;
  child_.loses_request = [&](const Asked& asked) {
    if (!is(asked, kImageUpload) || left-- > 0) return false;
    child_.close();
    return true;
  };
  unsigned connections = 0;
  std::size_t questions = 0;
  bool is_there = false;
  while (!is_there && connections < 100) {
    ++connections;
    left = 10;
    questions = questions_of([&] {
      const auto delivered = deliver(60000);
      is_there = delivered.has_value();
      if (!is_there) {
        EXPECT_EQ(delivered.error().code, Errc::unavailable) << delivered.error().message;
      }
    });
  }
  EXPECT_TRUE(is_there);
  EXPECT_GT(connections, 3U);
  EXPECT_LE(questions, 6U);  // list, params, two echoes, and what the end of an upload costs
  EXPECT_LE(child_.count(kImageUpload), 60000 / 900 + 3 * connections) << "what was there already was sent again";
  ASSERT_NE(child_.standby(), nullptr);
  EXPECT_EQ(child_.standby()->digest, kNew);
}

TEST_F(SmpOpenings, AResetThatTakesTheLinkAwayForLongIsWaitedFor) {
  stage();
  child_.link_lost_for_after_reset = 20s;
  child_.reopen();
  const auto done = activate_one();
  ASSERT_TRUE(done) << done.error().message;
  expect_runs(kNew, false);
  EXPECT_EQ(child_.resets, 1U);
}

TEST_F(SmpOpenings, AResetOfWhichOnlyTheLinkIsLostIsNotTakenForOne) {
  stage();
  child_.reopen();
  unsigned lost = 0;
  child_.loses_request = [&](const Asked& asked) {
    if (!is(asked, kReset) || lost++ > 0) return false;
    child_.reopen();  // it never arrives, and the link comes back by itself
    return true;
  };
  const auto done = activate_one();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(lost, 2U);
  EXPECT_EQ(child_.resets, 1U);
  expect_runs(kNew, false);
}

// --------------------------------------------------------------------------------------------- what is not believed

TEST_F(SmpOpenings, APacketSizeIsTriedAgainBeforeAnUpload) {
  never_rescued();
  questions_of([this] { ASSERT_TRUE(deliver(20000)); });
  child_.largest = 200;  // another firmware, meanwhile
  std::erase_if(child_.slots, [](const wire::Slot& slot) { return !slot.active; });
  const std::size_t uploads = child_.count(kImageUpload);
  const std::size_t before = child_.asked.size();
  questions_of([this] {
    const auto done = deliver(2000);
    ASSERT_TRUE(done) << done.error().message;
  });
  EXPECT_GT(child_.count(kImageUpload), uploads);
  for (std::size_t i = before; i < child_.asked.size(); ++i) {
    if (is(child_.asked[i], kImageUpload)) {
      EXPECT_LE(child_.asked[i].body.size() + kHeaderSize, 200U);
    }
  }
}

TEST_F(SmpOpenings, AChildWithoutAnythingThatRunsIsAskedWhoItIs) {
  questions_of([this] { ASSERT_TRUE(inspect()); });
  child_.broken = 0;
  child_.is_recovery = true;
  child_.mode.reset();
  questions_of([this] {
    const auto seen = inspect();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->bootloader, "MCUboot serial recovery");
  });
}

TEST_F(SmpOpenings, AChildThatIsSilentAboutTheKitIsAskedAgainAfterAReset) {
  never_rescued();
  child_.loses_request = [](const Asked& asked) { return asked.header.group == kKitGroup; };
  EXPECT_EQ(questions_of([this] { ASSERT_TRUE(inspect()); }), 5U);  // list, bootloader, its mode, kit twice
  EXPECT_EQ(questions_of([this] { ASSERT_TRUE(inspect()); }), 1U);
  child_.loses_request = [](const Asked&) { return false; };
  stage();
  questions_of([this] { ASSERT_TRUE(activate_one()); });
  questions_of([this] { EXPECT_EQ(inspect()->identity, "boiler-7"); });
}

TEST_F(SmpOpenings, AnOldChildIsNotAskedInTheNewVersionOnEachConnection) {
  never_rescued();
  child_.speaks_v2 = false;
  has_kit_ = false;
  questions_of([this] { ASSERT_TRUE(inspect()); });
  child_.reopen();
  const SteadyTime begun = child_.now();
  ASSERT_TRUE(inspect());
  EXPECT_LT(child_.now() - begun, 100ms);
}

TEST_F(SmpOpenings, OnALinkThatStaysOpenANewOpeningIsANewChild) {
  child_.limits_are->is_opened_on_demand = false;
  EXPECT_EQ(questions_of([this] { ASSERT_TRUE(inspect()); }), 5U);
  EXPECT_EQ(questions_of([this] { ASSERT_TRUE(inspect()); }), 5U);
}

}  // namespace
}  // namespace hg::smp
