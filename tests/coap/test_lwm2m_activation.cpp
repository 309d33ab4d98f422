// SPDX-License-Identifier: Apache-2.0
// The order to install, what comes of it, and going back: coap.md 1.6, 1.7.
#include "coap/lwm2m_fixture.hpp"

namespace hg::test {
namespace {

using testing::HasSubstr;

class Activation : public Lwm2mTest {
 protected:
  void bring() {
    come();
    expect_delivered(deliver());
    child_.log.clear();
  }
};

TEST_F(Activation, InstallsOnceAndSeesTheNewVersion) {
  bring();
  const auto outcome = activate();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->guard_held);
  EXPECT_EQ(active(outcome->seen), kNew);
  EXPECT_TRUE(standby(outcome->seen).empty());
  EXPECT_EQ(child_.count("POST 5/0/2"), 1);
}

TEST_F(Activation, SomeDoNotRegisterAnew) {
  child_.restarts = false;
  child_.notifies = false;
  bring();
  const auto outcome = activate();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(active(outcome->seen), kNew);
}

TEST_F(Activation, ResultOneWithTheWrongVersionIsSeenAsWhatItIs) {
  child_.new_version = "1.7";
  bring();
  const auto outcome = activate();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(active(outcome->seen), version_mark(0, "1.7"));
}

TEST_F(Activation, AGuardThatDoesNotHoldSendsNothing) {
  bring();
  const auto other = activate(version_mark(0, "0.9"));
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->guard_held);
  child_.restart();  // and State 2 is lost
  time_->settle();
  const auto lost = activate();
  ASSERT_TRUE(lost);
  EXPECT_FALSE(lost->guard_held);
  EXPECT_TRUE(standby(lost->seen).empty());
  EXPECT_EQ(child_.count("POST 5/0/2"), 0);
}

TEST_F(Activation, WhatRunsAlreadyIsDone) {
  come();
  const auto outcome = activate(kOld, kOld);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->guard_held);
  EXPECT_EQ(child_.count("POST 5/0/2"), 0);
}

TEST_F(Activation, ARefusedExecuteIsAnErrorAndMayBeOrderedAgain) {
  child_.execute_code = coap::Code::not_allowed;
  bring();
  const auto outcome = activate();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("4.05"));
  EXPECT_EQ(child_.count("POST 5/0/2"), 1);
  const SteadyTime before = time_->now();
  const auto seen = inspect();
  ASSERT_TRUE(seen);
  EXPECT_EQ(standby(*seen), kNew);
  EXPECT_LT(time_->now() - before, 1s) << "nothing can be under way";
}

TEST_F(Activation, AnExecuteWhoseAnswerIsLostIsNotRepeated) {
  child_.hides_execute_answer = true;
  bring();
  const auto outcome = activate();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(active(outcome->seen), kNew);
  EXPECT_EQ(child_.count("POST 5/0/2"), 1);
}

TEST_F(Activation, OneThatDidNotComeIsSentTwiceInAll) {
  child_.loses_executes = true;
  bring();
  const SteadyTime before = time_->now();
  const auto outcome = activate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::timed_out);
  EXPECT_EQ(child_.count("POST 5/0/2"), 2);
  EXPECT_GE(time_->now() - before, 2 * (profile_.answer + 5s)) << "until neither can take effect any more";
  const auto seen = inspect();
  ASSERT_TRUE(seen);
  EXPECT_EQ(standby(*seen), kNew);
}

TEST_F(Activation, AFailedInstallationIsANamedCause) {
  for (const bool falls_idle : {false, true}) {
    child_.falls_idle = falls_idle;
    child_.install_result = 8;
    bring();
    const auto outcome = activate();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::io);
    EXPECT_THAT(outcome.error().message, HasSubstr("Result 8"));
    const auto seen = inspect();
    ASSERT_TRUE(seen);
    EXPECT_EQ(active(*seen), kOld);
    EXPECT_EQ(standby(*seen), falls_idle ? Digest() : kNew);
    child_.install_result = 1;
  }
}

TEST_F(Activation, ADeferringChildIsWaitedFor) {
  profile_.defer_s = 600;
  enroll();
  child_.defers = 300s;
  bring();
  const auto outcome = activate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::busy);
  EXPECT_THAT(outcome.error().message, HasSubstr("puts the installation off"));
  const auto seen = inspect();
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->busy);
  EXPECT_GT(seen->busy_ms, 300'000U);
  const auto again = activate(kOld, kNew, 400s);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(active(again->seen), kNew);
  EXPECT_EQ(child_.count("POST 5/0/2"), 1) << "it was told once";
}

TEST_F(Activation, WhatIsDeferredCanBeTakenBack) {
  profile_.defer_s = 600;
  enroll();
  child_.defers = 300s;
  bring();
  ASSERT_FALSE(activate());
  const auto outcome = revert(kOld, kOld);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(child_.state, 0);
  EXPECT_TRUE(standby(outcome->seen).empty());
  time_->pass(400s);
  EXPECT_EQ(child_.version, "1.0");
}

TEST_F(Activation, InspectionWaitsWhileItInstalls) {
  come();
  child_.state = 3;
  time_->after(4s, [this] { child_.to(0, 1); });
  const SteadyTime before = time_->now();
  EXPECT_TRUE(inspect());
  EXPECT_GE(time_->now() - before, 4s);
  child_.state = 3;
  const auto never = inspect(10s);
  ASSERT_FALSE(never);
  EXPECT_EQ(never.error().code, Errc::busy);
  EXPECT_THAT(never.error().message, HasSubstr("installing"));
}

TEST_F(Activation, ConfirmHasNothingToDo) {
  come();
  const auto held = time_->wait(steps_->confirm(job(), wire::Confirm{{}, {{0, kOld}}}));
  ASSERT_TRUE(held);
  EXPECT_TRUE(held->guard_held);
  const auto not_held = time_->wait(steps_->confirm(job(), wire::Confirm{{}, {{0, kNew}}}));
  ASSERT_TRUE(not_held);
  EXPECT_FALSE(not_held->guard_held);
}

TEST_F(Activation, ItDoesNotGoBackUnlessItTakesItsOldImageAgain) {
  bring();
  ASSERT_TRUE(activate());
  const auto outcome = revert(kNew, kOld);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::unsupported);
}

TEST_F(Activation, AnOldImageThatWasBroughtAgainIsInstalled) {
  profile_.takes_older = true;
  enroll();
  bring();
  ASSERT_TRUE(activate());
  child_.new_version = "1.0";
  const auto brought = time_->wait(steps_->deliver(job(), delivery(kOld, 0x11), image(0x11)));
  ASSERT_TRUE(brought);
  const auto outcome = revert(kNew, kOld);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(active(outcome->seen), kOld);
  EXPECT_EQ(outcome->seen.revert_class, wire::RevertClass::reinstall);
}

TEST_F(Activation, AnOfferSaysHowUrgentItIsAndHowLongItMayWait) {
  profile_.defer_s = 600;
  enroll();
  come();
  wire::Offer request;
  request.urgency = wire::Urgency::emergency;
  const auto willing = time_->wait(steps_->offer(job(), request));
  ASSERT_TRUE(willing) << willing.error().message;
  EXPECT_EQ(willing->willing, wire::Willing::yes);
  EXPECT_EQ(child_.severity, 0);
  EXPECT_EQ(child_.maximum_defer, 600);
  child_.state = 3;
  const auto later = time_->wait(steps_->offer(job(), request));
  ASSERT_TRUE(later);
  EXPECT_EQ(later->willing, wire::Willing::later);
}

// ----------------------------------------------------------------------------------------------------- other evidence

TEST_F(Activation, AChildThatTellsNoVersionIsTakenByItsResult) {
  profile_.evidence = coap::Proves::result;
  enroll();
  child_.new_version = "1.0";  // it never changes what it says
  come();
  const auto before = inspect();
  ASSERT_TRUE(before);
  EXPECT_EQ(before->evidence, wire::Evidence::result);
  EXPECT_EQ(active(*before).bytes().size(), 32U);
  const Digest goal = view_of(0x77);
  const auto brought = time_->wait(steps_->deliver(job(), delivery(goal), image()));
  ASSERT_TRUE(brought);
  const auto outcome = activate(active(*before), goal);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(active(outcome->seen), goal);
  restart_plugin();
  child_.updates();
  const auto later = inspect();
  ASSERT_TRUE(later);
  EXPECT_EQ(active(*later), goal) << "remembered";
  child_.version = "1.1";
  const auto changed = inspect();
  ASSERT_TRUE(changed);
  EXPECT_NE(active(*changed), goal) << "it runs something else now";
}

TEST_F(Activation, TheVersionOfAPackageThatIsHeldIsNotWhatRuns) {
  profile_.evidence = coap::Proves::package;
  enroll();
  child_.tells_package = true;
  child_.forgets_package = false;
  bring();
  auto seen = inspect();
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(active(*seen), kOld);
  EXPECT_EQ(standby(*seen), kNew);
  restart_plugin();
  child_.updates();
  child_.install_result = 8;
  ASSERT_FALSE(activate());
  seen = inspect();
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(active(*seen), kOld) << "it says the version of what it could not install";
  child_.install_result = 1;
  ASSERT_TRUE(deliver());
  const auto outcome = activate();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(active(outcome->seen), kNew);
}

TEST_F(Activation, InTheAdvancedObjectTheComponentTellsItsVersion) {
  child_.object = 33629;
  child_.objects = "</3/0>,</5/0>,</33629/0>";
  bring();
  const auto outcome = activate();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(active(outcome->seen), kNew);
  EXPECT_EQ(child_.count("POST 33629/0/2"), 1);
  EXPECT_EQ(child_.arguments, "0");
}

TEST_F(Activation, ARestartOfOursBetweenOrderAndOutcomeIsWaitedOut) {
  bring();
  child_.restarts = false;
  time_->start<Result<plugin::Outcome>>(
      steps_->activate(job(), wire::Activate{{}, {{0, kOld, kNew}}}), [](const auto&) {}, stop_.slot());
  time_->until([&] { return child_.state == 3; });
  stop_.emit(asio::cancellation_type::terminal);
  time_->settle();
  restart_plugin();
  child_.updates();
  const auto seen = inspect();
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(active(*seen), kNew);
}

}  // namespace
}  // namespace hg::test
