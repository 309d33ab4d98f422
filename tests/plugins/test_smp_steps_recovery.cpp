// SPDX-License-Identifier: Apache-2.0
// Children in MCUboot's serial recovery (reference smp.md, section 6): how they are recognized, rescued, always left by
// a reset, and let go when it was our own polling that caught them there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "plugins/steps_fixture.hpp"

namespace hg::smp {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::digest_of;
using test::kNew;
using test::kOld;
using testing::HasSubstr;
using wire::Staging;

class SmpRecovery : public test::StepsTest {
 protected:
  /// A whole image is there, but somebody holds a key down until the new one is.
  void hold_in_recovery() {
    child_.is_recovery = true;
    child_.after_reset = [this] {
      const bool is_new = child_.active() != nullptr && child_.active()->digest == kNew;
      child_.is_recovery = child_.is_recovery || !is_new;
    };
  }
  /// There is nothing that could boot.
  void break_first_slot() {
    child_.is_recovery = true;
    child_.broken = 0;
  }
  /// Delivers, and cancels that at the first request for which `is_due`.
  Result<void> deliver_until(const std::function<bool(const test::MemoryChild::Asked&)>& is_due) {
    child_.uploaded = kNew;
    asio::cancellation_signal stop;
    child_.loses_answer = [&](const auto& asked) {
      if (is_due(asked)) stop.emit(asio::cancellation_type::terminal);
      return false;
    };
    UniqueFd file(::memfd_create("image", MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(file.get(), 30000), 0);
    const plugin::ImageView image(std::move(file));
    std::optional<Result<void>> end;
    const auto step = [&]() -> asio::awaitable<Result<void>> {
      co_await asio::this_coro::throw_if_cancelled(false);
      const wire::Deliver request{{}, digest_of(9), 30000, 0, kNew, Staging::in_place};
      const auto outcome = co_await made_->deliver(job(), request, image);
      if (!outcome) co_return outcome.error();
      co_return Result<void>{};
    };
    asio::co_spawn(
        loop_.io, step,
        asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr& thrown, Result<void> result) {
          EXPECT_FALSE(thrown);
          end = std::move(result);
        }));
    loop_.until([&] { return end.has_value(); });
    child_.loses_answer = [](const auto&) { return false; };
    return *end;
  }
  void expect_in_place() {
    const auto seen = inspect();
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(seen->staging, Staging::in_place);
    EXPECT_EQ(seen->revert_class, wire::RevertClass::unstageable);
    EXPECT_FALSE(anything_active(seen->slots));
  }
};

TEST_F(SmpRecovery, IsRecognizedByItsList) {
  hold_in_recovery();
  expect_in_place();
  child_.lists_flags_in_recovery = true;  // built with all options: as if slot 0 ran
  renew();
  expect_in_place();
  child_.slots.clear();
  child_.lists_flags_in_recovery = false;
  renew();
  expect_in_place();  // there is nothing at all
  EXPECT_EQ(child_.count(kImageState) + child_.count(kImageUpload), 0U);
}

TEST_F(SmpRecovery, IsNotSeenInAnOldApplicationNorWhereTheProfileSaysNever) {
  EXPECT_EQ(inspect()->staging, Staging::aside);               // it does not know bootloader info, but something runs
  child_.slots[0].active = child_.slots[0].confirmed = false;  // zephyr#98747: what runs is missing in the list
  child_.mode = 3;
  renew();
  EXPECT_EQ(inspect()->staging, Staging::aside);
  child_.mode.reset();
  renew();
  EXPECT_EQ(inspect()->staging, Staging::aside);  // it does not know the bootloader's command
  child_.is_recovery = true;
  profile_.rescue = Rescue::never;
  renew();
  EXPECT_EQ(inspect()->staging, Staging::aside);
}

TEST_F(SmpRecovery, AChildIsRescued) {
  break_first_slot();
  const auto delivered = deliver();
  ASSERT_TRUE(delivered) << delivered.error().message;
  EXPECT_EQ(child_.resets, 0U);  // that is for Activate
  EXPECT_EQ(child_.count(kImageState), 0U);
  const auto outcome = activate({{0, {}, kNew}});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->guard_held);
  EXPECT_TRUE(runs(outcome->seen.slots, 0, kNew));
  EXPECT_EQ(child_.resets, 1U);
}

TEST_F(SmpRecovery, IsRecognizedWithFlagsInItsListAndNoParams) {  // MCUboot before it had params
  hold_in_recovery();
  child_.lists_flags_in_recovery = true;
  const auto refuses_params = [](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kParams)) return std::nullopt;
    return *from_hex("bf62726308ff");
  };
  child_.answers_instead = refuses_params;
  expect_in_place();
}

TEST_F(SmpRecovery, IsNotSeenInAMynewtApplicationThatKnowsTheConsolesEcho) {
  child_.answers_instead = [](const auto& asked) -> std::optional<Bytes> {
    if (is(asked, kConsoleEcho)) return *from_hex("bf62726300ff");
    if (is(asked, kTaskStatistics)) return *from_hex("a1657461736b73a0");
    return std::nullopt;
  };
  EXPECT_EQ(inspect()->staging, Staging::aside);
}

TEST_F(SmpRecovery, AFallIsNoticedAtTheNextStepAlsoWhenTheListStaysTheSame) {
  for (const auto knows_bootloader : {true, false}) {
    child_.mode = knows_bootloader ? std::optional(3) : std::nullopt;
    child_.lists_flags_in_recovery = true;
    child_.slots.resize(1);
    renew();
    ASSERT_EQ(inspect()->staging, Staging::aside);
    child_.is_recovery = true;  // its watchdog, say
    const unsigned before = child_.resets;
    const auto delivered = deliver_to(Staging::aside);
    ASSERT_TRUE(delivered) << delivered.error().message;
    EXPECT_TRUE(delivered->guard_held);
    EXPECT_EQ(child_.resets, before + 1);  // let go before anything was sent
    expect_runs(kOld, true);               // and not written over
    EXPECT_EQ(child_.standby()->digest, kNew);
  }
}

TEST_F(SmpRecovery, AChildThatLeftItByItselfIsNoticedAtTheNextStep) {
  child_.lists_flags_in_recovery = true;
  child_.is_recovery = true;
  child_.after_reset = [this] { child_.is_recovery = true; };
  expect_in_place();
  child_.is_recovery = false;  // mcuboot PR#2830
  EXPECT_EQ(inspect()->staging, Staging::aside);
}

TEST_F(SmpRecovery, WhoAnswersCostsOneQuestionInEachStep) {
  child_.mode = 3;
  ASSERT_TRUE(inspect());
  child_.asked.clear();
  ASSERT_TRUE(inspect());
  EXPECT_EQ(child_.count(kConsoleEcho), 1U);
  EXPECT_EQ(child_.asked.size(), 3U);  // the list, who answers, the kit
  profile_.rescue = Rescue::never;
  renew();
  child_.asked.clear();
  ASSERT_TRUE(inspect());
  ASSERT_TRUE(inspect());
  EXPECT_EQ(child_.count(kConsoleEcho), 0U);
}

TEST_F(SmpRecovery, ALostAnswerAboutWhoAnswersDoesNotHideAFall) {
  child_.mode = 3;
  child_.lists_flags_in_recovery = true;
  ASSERT_EQ(inspect()->staging, Staging::aside);
  child_.is_recovery = true;
  child_.after_reset = [this] { child_.is_recovery = true; };
  child_.loses_answer = first(3, kConsoleEcho);
  expect_in_place();
}

TEST_F(SmpRecovery, NothingIsWrittenWhenTheChildStagesElsewhereThanWasMeant) {
  child_.lists_flags_in_recovery = true;
  const auto back = deliver_to(Staging::in_place);  // it came out of recovery meanwhile
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_FALSE(back->guard_held);
  EXPECT_EQ(back->seen.staging, Staging::aside);
  EXPECT_TRUE(runs(back->seen.slots, 0, kOld));
  child_.is_recovery = true;
  child_.after_reset = [this] { child_.is_recovery = true; };
  const auto fallen = deliver_to(Staging::aside);
  ASSERT_TRUE(fallen) << fallen.error().message;
  EXPECT_FALSE(fallen->guard_held);
  EXPECT_EQ(fallen->seen.staging, Staging::in_place);
  EXPECT_EQ(child_.count(kImageUpload), 0U);
}

TEST_F(SmpRecovery, APatchedImageIsNotTakenForACopyThatIsListedByTheSameHash) {
  child_.is_recovery = true;
  child_.after_reset = [this] { child_.is_recovery = true; };  // somebody holds a key down all the time
  child_.slots[0].digest = kNew;
  ASSERT_TRUE(deliver());
  EXPECT_EQ(child_.count(kImageUpload), 0U);
  patches_ = {{100, {1, 2}}};
  ASSERT_TRUE(deliver());
  const std::size_t once = child_.count(kImageUpload);
  EXPECT_GT(once, 0U);
  ASSERT_TRUE(deliver());
  EXPECT_EQ(child_.count(kImageUpload), once);
}

TEST_F(SmpRecovery, IsNotSentADigestThatItDoesNotKnow) {
  break_first_slot();
  ASSERT_TRUE(deliver());
  const auto has_digest = [](const auto& asked) {
    return is(asked, kImageUpload) && to_hex(asked.body).find(digest_of(9).hex()) != std::string::npos;
  };
  EXPECT_TRUE(std::ranges::none_of(child_.asked, has_digest));
}

TEST_F(SmpRecovery, AnUploadIsNotResumed) {
  break_first_slot();
  child_.uploaded = kNew;
  child_.flash = Bytes(1000);
  ASSERT_TRUE(deliver(3000));
  EXPECT_EQ(progress_.front() < 1000, true);
}

TEST_F(SmpRecovery, WithoutAHashTheWholeUploadIsTheProof) {
  hold_in_recovery();
  child_.slots[0].digest = {};
  child_.answers_instead = [this](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageList) || !child_.is_recovery) return std::nullopt;
    return *from_hex("a166696d6167657381a164736c6f7400");
  };
  ASSERT_TRUE(deliver());
  ASSERT_TRUE(activate({{0, {}, kNew}}));
}

TEST_F(SmpRecovery, AnotherImageInTheListIsNoProof) {
  break_first_slot();
  child_.answers_instead = [this](const auto& asked) -> std::optional<Bytes> {
    if (is(asked, kImageUpload)) child_.uploaded = digest_of(7);
    return std::nullopt;
  };
  const auto delivered = deliver();
  ASSERT_FALSE(delivered);
  EXPECT_EQ(delivered.error().code, Errc::mismatch);
  EXPECT_EQ(child_.count(kReset), 1U);
}

// --------------------------------------------------------------------------------------------------- leaving it

TEST_F(SmpRecovery, AFailedDeliveryEndsWithAResetWhereSomethingCanBoot) {
  hold_in_recovery();
  ASSERT_TRUE(inspect());
  const std::size_t before = child_.count(kReset);
  child_.answers_instead = [](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload)) return std::nullopt;
    return *from_hex("a162726301");
  };
  EXPECT_FALSE(deliver());
  EXPECT_EQ(child_.count(kReset), before + 1);
}

TEST_F(SmpRecovery, AFailedDeliveryThatBrokeTheSlotLeavesTheChildWhereItCanBeReached) {
  hold_in_recovery();
  ASSERT_TRUE(inspect());
  const std::size_t before = child_.count(kReset);
  child_.answers_instead = [this](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload) || child_.flash.size() < 1000) return std::nullopt;
    return *from_hex("a162726301");
  };
  const auto delivered = deliver();
  ASSERT_FALSE(delivered);
  EXPECT_THAT(delivered.error().message, HasSubstr("stays in its bootloader's recovery"));
  EXPECT_EQ(child_.count(kReset), before);
  child_.answers_instead = [](const auto&) { return std::nullopt; };
  ASSERT_TRUE(deliver());  // and is reached
  EXPECT_EQ(child_.count(kReset), before);
}

TEST_F(SmpRecovery, ACancelledDeliveryEndsWithAResetWhereSomethingCanBoot) {
  hold_in_recovery();
  ASSERT_TRUE(inspect());
  const std::size_t before = child_.count(kReset);
  const auto cancelled = deliver_until([](const auto& asked) { return is(asked, kEcho) || is(asked, kParams); });
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, Errc::cancelled);
  EXPECT_EQ(child_.count(kImageUpload), 0U);
  EXPECT_EQ(child_.count(kReset), before + 1);
}

TEST_F(SmpRecovery, ACancelledDeliveryThatBrokeTheSlotLeavesTheChildWhereItCanBeReached) {
  break_first_slot();
  const auto cancelled =
      deliver_until([this](const auto& asked) { return is(asked, kImageUpload) && child_.flash.size() > 1000; });
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, Errc::cancelled);
  EXPECT_THAT(cancelled.error().message, HasSubstr("stays in its bootloader's recovery"));
  EXPECT_LT(child_.count(kImageUpload), 60U);
  EXPECT_EQ(child_.count(kReset), 0U);
  ASSERT_TRUE(deliver());
}

TEST_F(SmpRecovery, IsLeftWithinFourSecondsOrNotAtAll) {
  hold_in_recovery();
  ASSERT_TRUE(inspect());
  const std::size_t before = child_.count(kReset);
  SteadyTime failed;
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload)) return std::nullopt;
    child_.loses_request = [](const auto& later) { return is(later, kImageList); };
    failed = child_.now();
    return *from_hex("a162726301");
  };
  const auto delivered = deliver();
  ASSERT_FALSE(delivered);
  EXPECT_LT(child_.now() - failed, 4s);
  EXPECT_EQ(child_.count(kReset), before);  // who does not say what would boot is not reset
}

TEST_F(SmpRecovery, AnActivationThatWouldStartAnotherImageIsRefused) {
  hold_in_recovery();
  ASSERT_TRUE(inspect());
  const std::size_t before = child_.count(kReset);
  const auto outcome = activate({{0, {}, kNew}});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::not_found);
  EXPECT_EQ(child_.count(kReset), before);
}

TEST_F(SmpRecovery, AGuardForRecoveryFailsWhenSomethingRuns) {
  const auto outcome = activate({{0, {}, kNew}});
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->guard_held);
  EXPECT_EQ(sent_to_change(), 0U);
}

TEST_F(SmpRecovery, AChildThatOurPollingCaughtIsLetGoAndItsTestMadeUpFor) {
  for (const auto swap : {100ms, 8000ms}) {
    child_.slots.resize(1);
    child_.slots[0] = {0, 0, "1.0.0", kOld, true, false, true, true, false};
    stage();
    profile_.boot_silence = 3000ms;
    renew();
    child_.listens = 2500ms;  // longer than between two polls
    child_.boot_time = swap;
    child_.resets = 0;
    const auto outcome = activate_one();
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(outcome->seen.staging, Staging::aside);
    expect_runs(kNew, false);
    EXPECT_EQ(child_.resets, 3U);  // caught; let go, which took the unconfirmed image away; made up for in silence
  }
}

TEST_F(SmpRecovery, ANextResetOfAChildThatWasCaughtOnceIsFollowedBySilence) {
  stage();
  profile_.boot_silence = 3000ms;
  renew();
  child_.listens = 2500ms;  // longer than between two polls
  child_.boot_time = 8000ms;
  ASSERT_TRUE(activate_one());
  const unsigned before = child_.resets;
  EXPECT_EQ(before, 3U);
  ASSERT_TRUE(revert_one(kNew));
  EXPECT_EQ(child_.resets, before + 1);
  expect_runs(kOld, true);
}

TEST_F(SmpRecovery, AChildThatStaysThereIsLeftThereAfterTwoResets) {
  ASSERT_TRUE(inspect());  // an application
  child_.is_recovery = true;
  child_.after_reset = [this] { child_.is_recovery = true; };
  expect_in_place();
  EXPECT_EQ(child_.resets, 2U);
  expect_in_place();
  EXPECT_EQ(child_.resets, 2U);  // it is there for a reason
}

TEST_F(SmpRecovery, AChildThatOurFirstLookCaughtIsLetGo) {
  child_.is_recovery = true;
  child_.loses_request = first(1, kReset);
  const auto seen = inspect();
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(seen->staging, Staging::aside);
  EXPECT_TRUE(runs(seen->slots, 0, kOld));
  EXPECT_EQ(child_.resets, 1U);
}

TEST_F(SmpRecovery, AChildThatIsFoundThereIsResetOnceAndThenLeftThere) {
  for (const auto link_lost : {0ms, 1000ms}) {
    hold_in_recovery();
    child_.resets = 0;
    if (link_lost > 0ms) child_.link_lost_for_after_reset = link_lost;  // each reset is another opening
    renew();
    expect_in_place();
    EXPECT_EQ(child_.resets, 1U);
    expect_in_place();
    EXPECT_EQ(child_.resets, 1U);
  }
}

TEST_F(SmpRecovery, AChildWithNothingToBootIsNotReset) {
  break_first_slot();
  expect_in_place();
  child_.broken.reset();  // by whomever
  expect_in_place();
  EXPECT_EQ(child_.resets, 0U);
  child_.reopen();
  EXPECT_EQ(inspect()->staging, Staging::aside);
  EXPECT_EQ(child_.resets, 1U);
}

TEST_F(SmpRecovery, AUsbChildThatComesBackIsNotCaughtInItsBootloadersWindow) {
  stage();
  child_.link_lost_for_after_reset = 3s;
  child_.listens = 1000ms;
  const auto outcome = activate_one();
  ASSERT_TRUE(outcome) << outcome.error().message;
  expect_runs(kNew, false);
  EXPECT_EQ(child_.resets, 1U);
}

}  // namespace
}  // namespace hg::smp
