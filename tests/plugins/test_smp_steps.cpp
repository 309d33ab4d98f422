// SPDX-License-Identifier: Apache-2.0
// Session, packet size, upload and the steps of an update against a child in memory, in a time that only jumps: what is
// asked how often, what is never repeated, and how long everything may take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugins/loop.hpp"
#include "plugins/memory_child.hpp"
#include "smp/updater.hpp"

namespace hg::smp {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::digest_of;
using test::MemoryChild;

const Digest kOld = digest_of(1);
const Digest kNew = digest_of(2);

class SmpSteps : public testing::Test {
 protected:
  template <class T>
  T run(asio::awaitable<T> task) {
    return loop_.wait(std::move(task));
  }
  Result<Bytes> ask(Command command, Patience patience = {.answer = 100ms, .attempts = 3}) {
    Bytes packet = empty_request();
    return run(session_.ask(command, packet, patience));
  }
  plugin::Job job(Milliseconds patience = 60s) { return {"boiler", 1, child_.now() + patience, {}}; }
  Result<wire::Seen> inspect() { return run(updater_.inspect(job())); }
  Result<plugin::Outcome> activate() { return run(updater_.activate(job(), wire::Activate{{}, {{0, kOld, kNew}}})); }
  Result<plugin::Outcome> confirm(const Digest& active) {
    return run(updater_.confirm(job(), wire::Confirm{{}, {{0, active}}}));
  }
  Result<plugin::Outcome> revert(const Digest& active) {
    return run(updater_.revert(job(), wire::Revert{{}, {{0, active, kOld}}}));
  }
  Result<void> deliver(std::size_t size) {
    const UniqueFd file(::memfd_create("image", MFD_CLOEXEC));
    const Bytes bytes(size, 0xAB);
    EXPECT_EQ(::write(file.get(), bytes.data(), size), static_cast<ssize_t>(size));
    child_.uploaded = kNew;
    auto transfer = job();
    transfer.progress = [this](std::uint64_t done, std::uint64_t) { progress_.push_back(done); };
    return run(updater_.deliver(std::move(transfer), {{}, digest_of(9), size, 0, kNew}, file.get()));
  }
  void stage() { child_.slots.push_back({0, 1, "1.1.0", kNew, true, false, false, false, false}); }
  static bool is(const MemoryChild::Asked& asked, Command command) {
    return asked.header.group == command.group && asked.header.command == command.id && asked.header.op == command.op;
  }
  /// Loses the first `count` of one command.
  static std::function<bool(const MemoryChild::Asked&)> first(unsigned count, Command command) {
    return [left = count, command](const MemoryChild::Asked& asked) mutable {
      if (left == 0 || !is(asked, command)) return false;
      --left;
      return true;
    };
  }
  void expect_runs(const Digest& digest, bool confirmed) {
    EXPECT_EQ(child_.active()->digest, digest);
    EXPECT_EQ(child_.active()->confirmed, confirmed);
  }

  test::Loop loop_;
  MemoryChild child_;
  Session session_{child_, child_};
  Updater updater_{child_, child_, Profile{}};
  std::vector<std::uint64_t> progress_;
};

// ---------------------------------------------------------------------------------------------------------- session

TEST_F(SmpSteps, AsksAgainWithTheSameNumber) {
  child_.loses_request = first(2, kImageList);
  ASSERT_TRUE(ask(kImageList));
  ASSERT_EQ(child_.asked.size(), 3U);
  EXPECT_EQ(child_.asked[0].header.sequence, child_.asked[2].header.sequence);
  ASSERT_TRUE(ask(kImageList));
  EXPECT_NE(child_.asked[2].header.sequence, child_.asked[3].header.sequence);
}

TEST_F(SmpSteps, TakesALateAnswerButNotForTheNextQuestion) {
  ask(kImageList);
  child_.answer_time = 150ms;
  EXPECT_TRUE(ask(kImageList));  // the answer to the first attempt comes in the second
  child_.answer_time = 80ms;
  const auto reset = ask(kReset, {.answer = 100ms, .attempts = 1});
  ASSERT_TRUE(reset);
  EXPECT_EQ(to_hex(*reset), "a0");  // not the second list, which was still on its way
}

TEST_F(SmpSteps, EndsAtTheDeadline) {
  child_.loses_request = [](const auto&) { return true; };
  const auto begun = child_.now();
  const auto answer = ask(kImageList, {.answer = 100ms, .attempts = 1000, .deadline = begun + 350ms});
  EXPECT_EQ(answer.error().code, Errc::timed_out);
  EXPECT_EQ(child_.now(), begun + 350ms);
}

TEST_F(SmpSteps, FallsBackToVersion1WhenNothingElseIsAnswered) {
  child_.speaks_v2 = false;
  ASSERT_TRUE(ask(kImageList));
  EXPECT_EQ(child_.asked.back().header.version, 0);
  const std::size_t before = child_.asked.size();
  ASSERT_TRUE(ask(kImageList));
  EXPECT_EQ(child_.asked.size(), before + 1);  // remembered
  child_.speaks_v2 = true;
  child_.reopen();
  ASSERT_TRUE(ask(kImageList));
  EXPECT_EQ(child_.asked.back().header.version, 1);
}

TEST_F(SmpSteps, ChangesTheVersionThatIsRefused) {
  child_.answers_instead = [](const auto& asked) -> std::optional<Bytes> {
    if (asked.header.version == 0) return std::nullopt;
    return *from_hex("a16272630d");
  };
  ASSERT_TRUE(ask(kImageList));
  EXPECT_EQ(child_.asked.size(), 2U);
}

TEST_F(SmpSteps, NeverRepeatsAResetForAnotherVersion) {
  child_.loses_request = [](const auto&) { return true; };
  EXPECT_FALSE(ask(kReset, {.answer = 100ms, .attempts = 1}));
  EXPECT_EQ(child_.asked.size(), 1U);
}

TEST_F(SmpSteps, AnswersThatAreNoCborAreErrors) {
  child_.answers_instead = [](const auto&) { return *from_hex("ff"); };
  EXPECT_EQ(ask(kImageList).error().code, Errc::invalid);
}

// ------------------------------------------------------------------------------------------------------- packet size

TEST_F(SmpSteps, FindsTheLargestPacket) {
  child_.answers_instead = [](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kParams)) return std::nullopt;
    return *from_hex("a2686275665f73697a65190400696275665f636f756e7402");  // 1024, 2
  };
  for (const auto& [largest, expected] :
       {std::pair{2000U, 1020U}, {1020U, 1020U}, {1000U, 740U}, {200U, 182U}, {140U, 128U}}) {
    child_.largest = largest;
    PacketSize size(0);
    ASSERT_TRUE(run(size.find(session_, {.answer = 100ms, .attempts = 2})));
    EXPECT_EQ(size.current(), expected) << largest;
  }
}

TEST_F(SmpSteps, GoesDownStepByStep) {
  PacketSize size(1020);
  std::vector<std::size_t> steps;
  while (size.step_down()) steps.push_back(size.current());
  EXPECT_EQ(steps, (std::vector<std::size_t>{740, 368, 182, 128}));
}

// ------------------------------------------------------------------------------------------------------------ upload

TEST_F(SmpSteps, UploadsAndProvesIt) {
  ASSERT_TRUE(deliver(10000));
  EXPECT_EQ(progress_.back(), 10000U);
  EXPECT_TRUE(std::ranges::is_sorted(progress_));
  ASSERT_TRUE(deliver(10000));  // it stands there already
  EXPECT_LE(child_.count(kImageUpload), 12U);
}

TEST_F(SmpSteps, GoesToWhateverOffsetTheChildNames) {
  bool is_back = false;
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (is_back || !is(asked, kImageUpload) || child_.flash.size() < 5000) return std::nullopt;
    is_back = true;
    child_.flash.resize(2000);  // it lost some
    return *from_hex("a1636f66661907d0");
  };
  ASSERT_TRUE(deliver(10000));
  EXPECT_FALSE(std::ranges::is_sorted(progress_));
}

TEST_F(SmpSteps, GivesUpWhereNothingMoves) {
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload) || child_.flash.size() < 5000) return std::nullopt;
    return *from_hex("a1636f66661907d0");
  };
  const auto stuck = deliver(10000);
  ASSERT_FALSE(stuck);
  EXPECT_THAT(stuck.error().message, testing::HasSubstr("no progress"));
  EXPECT_LT(child_.count(kImageUpload), 20U);
}

TEST_F(SmpSteps, GivesUpOnAChildThatAsksForMoreThanThereIs) {
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (!is(asked, kImageUpload)) return std::nullopt;
    return *from_hex("a1636f66661a00989680");
  };
  EXPECT_EQ(deliver(10000).error().code, Errc::invalid);
}

TEST_F(SmpSteps, DoesNotBeginAgainWhenOnlyTheLastAnswerWasLost) {
  bool is_lost = false;
  child_.loses_answer = [&](const auto& asked) {
    const bool is_last = is(asked, kImageUpload) && child_.slots.size() == 2;
    return is_last && !std::exchange(is_lost, true);
  };
  ASSERT_TRUE(deliver(3000));
  EXPECT_LT(child_.count(kImageUpload), 12U);
}

TEST_F(SmpSteps, UploadedButNotListedIsAnError) {
  child_.answers_instead = [&](const auto& asked) -> std::optional<Bytes> {
    if (is(asked, kImageUpload) && child_.flash.size() > 1000) child_.uploaded.reset();
    return std::nullopt;
  };
  const auto absent = deliver(3000);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Errc::mismatch);
}

TEST_F(SmpSteps, SmallerPacketsWhenTheSizeIsTheTrouble) {
  child_.largest = 300;
  Profile fixed;
  fixed.packet = 1020;
  Updater stubborn(child_, child_, fixed);
  const UniqueFd file(::memfd_create("image", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), 3000), 0);
  child_.uploaded = kNew;
  ASSERT_TRUE(run(stubborn.deliver(job(), {{}, digest_of(9), 3000, 0, kNew}, file.get())));
}

// ---------------------------------------------------------------------------------------------- inspect and activate

TEST_F(SmpSteps, InspectsOnlyWhenAResetOfAPredecessorWouldHaveHappened) {
  const auto opened = child_.opening().at;
  ASSERT_TRUE(inspect());
  EXPECT_EQ(child_.asked.front().at, opened + 500ms);  // twice the reset delay
  const auto second = child_.now();
  ASSERT_TRUE(inspect());
  EXPECT_LT(child_.now() - second, 100ms);
  child_.reopen();
  const auto reopened = child_.now();
  child_.asked.clear();
  ASSERT_TRUE(inspect());
  EXPECT_EQ(child_.asked.front().at, reopened + 500ms);
}

TEST_F(SmpSteps, AsksForTheBootloaderOnceAndMissesNothingWithoutIt) {
  EXPECT_EQ(inspect()->revert_class, wire::RevertClass::unknown);
  inspect();
  EXPECT_EQ(child_.count(kBootloaderInfo), 1U);
}

TEST_F(SmpSteps, ActivatesWithOneMarkAndOneReset) {
  stage();
  const auto outcome = activate();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->guard_held);
  expect_runs(kNew, false);
  EXPECT_EQ(child_.resets, 1U);
  EXPECT_EQ(child_.count(kImageState), 1U);
}

TEST_F(SmpSteps, SendsAResetAgainOnlyWhenTheListShowsThatItWasLost) {
  stage();
  child_.loses_request = first(1, kReset);
  ASSERT_TRUE(activate());
  EXPECT_EQ(child_.count(kReset), 2U);
  EXPECT_EQ(child_.resets, 1U);
  expect_runs(kNew, false);
}

TEST_F(SmpSteps, ALostAnswerToAResetIsNoReasonForAnother) {
  stage();
  child_.loses_answer = first(1, kReset);
  child_.boot_time = 20s;
  ASSERT_TRUE(activate());
  EXPECT_EQ(child_.count(kReset), 1U);
  expect_runs(kNew, false);
}

TEST_F(SmpSteps, AChildThatTakesNoResetIsNotAskedForEver) {
  stage();
  child_.loses_request = first(1000, kReset);
  const auto outcome = activate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::timed_out);
  EXPECT_EQ(child_.count(kReset), 2U);
}

TEST_F(SmpSteps, ComesThroughALinkThatGoesAwayInTheReset) {
  stage();
  child_.link_lost_for_after_reset = 3s;
  ASSERT_TRUE(activate());
  EXPECT_EQ(child_.count(kReset), 1U);
  expect_runs(kNew, false);
}

TEST_F(SmpSteps, AfterAnInterruptedActivateTheNextInspectWaitsForTheChild) {
  stage();
  child_.boot_time = 10s;
  auto short_job = job(5s);
  const auto interrupted = run(updater_.activate(std::move(short_job), wire::Activate{{}, {{0, kOld, kNew}}}));
  EXPECT_EQ(interrupted.error().code, Errc::timed_out);
  EXPECT_EQ(run(updater_.inspect(job(2s))).error().code, Errc::timed_out);  // nothing is guessed
  const auto seen = inspect();
  ASSERT_TRUE(seen);
  EXPECT_TRUE(std::ranges::any_of(seen->slots, [](const auto& slot) { return slot.active && slot.digest == kNew; }));
  EXPECT_EQ(child_.count(kReset), 1U);
}

TEST_F(SmpSteps, ActivatesNothingThatIsNotThere) {
  EXPECT_EQ(activate().error().code, Errc::not_found);
  EXPECT_EQ(child_.count(kReset), 0U);
}

// ------------------------------------------------------------------------------------------------ confirm and revert

TEST_F(SmpSteps, ConfirmsOnceAlsoWhenTheAnswerIsLost) {
  stage();
  ASSERT_TRUE(activate());
  child_.loses_answer = first(1, kImageState);
  const std::size_t before = child_.count(kImageState);
  const auto outcome = confirm(kNew);
  ASSERT_TRUE(outcome) << outcome.error().message;
  expect_runs(kNew, true);
  EXPECT_EQ(child_.count(kImageState), before + 1);  // the list showed that it was done
}

TEST_F(SmpSteps, AGuardThatDoesNotHoldStopsEverything) {
  stage();
  for (const auto& outcome : {confirm(kNew), revert(kNew), run(updater_.activate(job(), wire::Activate{{}, {{0, kNew, kNew}}}))}) {
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(outcome->guard_held);
  }
  EXPECT_EQ(child_.count(kImageState) + child_.count(kReset), 0U);
}

TEST_F(SmpSteps, PlaysAMarkThroughToRevert) {
  stage();
  child_.standby()->pending = true;
  const auto outcome = revert(kOld);
  ASSERT_TRUE(outcome) << outcome.error().message;
  expect_runs(kOld, true);
  EXPECT_EQ(child_.resets, 2U);
}

TEST_F(SmpSteps, RevertsWhatIsUnconfirmedByOneReset) {
  stage();
  ASSERT_TRUE(activate());
  ASSERT_TRUE(revert(kNew));
  expect_runs(kOld, true);
  EXPECT_EQ(child_.resets, 2U);
}

TEST_F(SmpSteps, RevertsWhatIsConfirmedByMarkingTheOldImage) {
  stage();
  ASSERT_TRUE(activate());
  ASSERT_TRUE(confirm(kNew));
  ASSERT_TRUE(revert(kNew));
  expect_runs(kOld, true);
}

TEST_F(SmpSteps, RevertIsNothingWhenTheOldImageRuns) {
  ASSERT_TRUE(revert(kOld));
  EXPECT_EQ(child_.resets, 0U);
}

TEST_F(SmpSteps, ABootloaderThatDoesNotRevertIsNotResetForEver) {
  stage();
  child_.reverts = false;
  ASSERT_TRUE(activate());
  ASSERT_TRUE(revert(kNew));  // the child's own report says what came of it
  expect_runs(kNew, false);
  EXPECT_LE(child_.resets, 3U);
}

}  // namespace
}  // namespace hg::smp
