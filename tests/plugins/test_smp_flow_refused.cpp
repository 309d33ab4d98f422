// SPDX-License-Identifier: Apache-2.0
// What delivery and marking make of a refusal: it is not the end while an erase can help, or while the child's list
// says something else.
#include <gmock/gmock.h>

#include <string_view>

#include "plugins/steps_fixture.hpp"

namespace hg::smp {
namespace {

using namespace std::chrono_literals;
using test::kNew;
using test::kOld;
using test::MemoryChild;

constexpr std::string_view kWriteFailed = "a163657272a26567726f7570016272630c";  // image error 12
constexpr std::string_view kPending =
    "a163657272a26567726f75700162726318"
    "1c";                                            // image error 28
constexpr std::string_view kUnknown = "a162726301";  // version 1, rc 1

class SmpRefused : public test::StepsTest {
 protected:
  /// Refuses every piece of an image until the slot has been erased; for ever if that does not help.
  void cannot_write(std::string_view refusal, bool erase_helps) {
    child_.answers_instead = [=, this](const auto& asked) -> std::optional<Bytes> {
      if (is(asked, kImageErase)) return *from_hex("a0");
      const bool is_clean = erase_helps && child_.count(kImageErase) > 0;
      if (!is(asked, kImageUpload) || is_clean) return std::nullopt;
      return *from_hex(refusal);
    };
  }
  /// Refuses all marks; carries out the first `taken` of them nevertheless.
  void refuse_marks(std::string_view refusal, unsigned taken) {
    child_.answers_instead = [=, this](const auto& asked) -> std::optional<Bytes> {
      if (!is(asked, kImageState)) return std::nullopt;
      if (child_.count(kImageState) <= taken) child_.standby()->pending = true;
      return *from_hex(refusal);
    };
  }
};

// ------------------------------------------------------------------------------------------------------- delivering

TEST_F(SmpRefused, AFirstPieceThatCannotBeWrittenLeadsToAnErase) {  // smp.md 8.9: zephyr#44219
  for (const auto refusal : {kWriteFailed, kUnknown}) {
    child_.asked.clear();
    child_.flash.clear();
    std::erase_if(child_.slots, [](const wire::Slot& slot) { return !slot.active; });
    cannot_write(refusal, true);
    const auto delivered = deliver();
    ASSERT_TRUE(delivered) << delivered.error().message;
    EXPECT_EQ(child_.count(kImageErase), 1U);
    EXPECT_EQ(child_.standby()->digest, kNew);
  }
}

TEST_F(SmpRefused, AnEraseThatDoesNotHelpIsNotRepeated) {
  cannot_write(kWriteFailed, false);
  const auto delivered = deliver();
  ASSERT_FALSE(delivered);
  EXPECT_EQ(delivered.error().code, Errc::io);
  EXPECT_THAT(delivered.error().message, testing::HasSubstr("flash write failed"));
  EXPECT_EQ(child_.count(kImageErase), 1U);
}

// ---------------------------------------------------------------------------------------------------------- marking

TEST_F(SmpRefused, AMarkThatIsListedWasTaken) {
  stage();
  refuse_marks(kPending, 1);
  const auto activated = activate_one();
  ASSERT_TRUE(activated) << activated.error().message;
  expect_runs(kNew, false);
  EXPECT_EQ(child_.count(kImageState), 1U);
}

TEST_F(SmpRefused, AMarkThatIsNotListedIsRefusedAndNothingIsReset) {
  stage();
  refuse_marks(kPending, 0);
  const auto activated = activate_one();
  ASSERT_FALSE(activated);
  EXPECT_EQ(activated.error().code, Errc::denied);
  EXPECT_THAT(activated.error().message, testing::HasSubstr("mark image 0"));
  EXPECT_THAT(activated.error().message, testing::HasSubstr("pending already"));
  EXPECT_EQ(child_.count(kImageState), 1U) << "a refusal is not asked for twice";
  EXPECT_EQ(child_.resets, 0U);
}

TEST_F(SmpRefused, AMarkWhoseAnswersAreAllLostIsSeenInTheList) {
  stage();
  child_.loses_answer = [](const auto& asked) { return is(asked, kImageState); };
  const auto activated = activate_one();
  ASSERT_TRUE(activated) << activated.error().message;
  expect_runs(kNew, false);
}

}  // namespace
}  // namespace hg::smp
