// SPDX-License-Identifier: Apache-2.0
// How an image comes to a child of LwM2M: pulled, pushed, broken off, taken up again; and each Result by its name.
#include "coap/lwm2m_fixture.hpp"
#include "coap/lwm2m_pull.hpp"

namespace hg::test {
namespace {

using testing::HasSubstr;

class Delivery : public Lwm2mTest {};

TEST_F(Delivery, IsPulledWhereTheChildCan) {
  come();
  expect_delivered(deliver());
  EXPECT_EQ(child_.uri, "coap://192.0.2.1:5683/fw/pump/abababababababab");
  EXPECT_EQ(child_.count("PUSH 5/0/0"), 0);
  EXPECT_EQ(progress_.back(), kSize);
  EXPECT_EQ(server_.find("fw/pump/abababababababab", ""), nullptr) << "its place on the shelf is given back";
  const auto seen = inspect();
  ASSERT_TRUE(seen);
  EXPECT_EQ(active(*seen), kOld);
  EXPECT_EQ(standby(*seen), kNew);
  EXPECT_EQ(seen->evidence, wire::Evidence::version);
  EXPECT_EQ(seen->revert_class, wire::RevertClass::irrevocable);
  EXPECT_EQ(seen->bootloader, "LwM2M 1.1, /5 1.1");
  EXPECT_EQ(seen->identity, "SN-1");
}

TEST_F(Delivery, OverDtlsOnlyItsOwnIdentityGetsIt) {
  made_->expect("pump", plugin::LinkKeyKind::psk, "id-7", {});
  child_.proof = {true, "id-7", {}};
  come();
  expect_delivered(deliver());
  EXPECT_EQ(child_.uri, "coaps://192.0.2.1:5684/fw/pump/abababababababab");
}

TEST_F(Delivery, OneWithDtlsThatNamesNoProtocolsPullsOverIt) {
  made_->expect("pump", plugin::LinkKeyKind::psk, "id-7", {});
  child_.proof = {true, "id-7", {}};
  child_.gives_tlv = false;  // and so nothing of several values
  come();
  expect_delivered(deliver());
  EXPECT_EQ(child_.uri, "coaps://192.0.2.1:5684/fw/pump/abababababababab");
  EXPECT_EQ(child_.count("PUSH 5/0/0"), 0);
}

TEST_F(Delivery, WhatIsThereAlreadyIsNotBroughtAgain) {
  come();
  expect_delivered(deliver());
  child_.log.clear();
  expect_delivered(deliver());
  EXPECT_EQ(child_.count("PUT 5/0/1"), 0);
  expect_delivered(deliver(0xCD), 0xCD);  // another image in its place
  EXPECT_EQ(child_.count("EMPTY URI"), 1);
}

TEST_F(Delivery, AnImageThatRunsIsDelivered) {
  come();
  child_.version = "2.0";
  const auto outcome = deliver();
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->guard_held);
  EXPECT_EQ(child_.count("PUT 5/0/1"), 0);
}

TEST_F(Delivery, NothingIsWrittenWhereItWouldGoElsewhere) {
  come();
  auto request = delivery(kNew);
  request.staging = wire::Staging::in_place;
  const auto outcome = time_->wait(steps_->deliver(job(), request, image()));
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->guard_held);
  EXPECT_EQ(child_.count("PUT 5/0/1"), 0);
}

TEST_F(Delivery, AChildThatTellsNothingIsRead) {
  child_.notifies = false;
  come();
  expect_delivered(deliver());
}

TEST_F(Delivery, AChildWithoutTlvIsReadResourceByResource) {
  child_.gives_tlv = false;
  come();
  expect_delivered(deliver());
  EXPECT_GT(child_.count("GET 5/0/3"), 0);
}

/// lwm2m-node-lib 1.4.0: its CoAP library drops a request with an Accept that it does not know.
TEST_F(Delivery, AChildThatIsSilentWhenAskedForTlvIsReadResourceByResource) {
  child_.knows_tlv = false;
  come();
  ASSERT_TRUE(inspect(10s));
  expect_delivered(deliver());
}

TEST_F(Delivery, AnAlternateRootStandsBeforeEveryPath) {
  child_.objects = "</lwm2m>;rt=\"oma.lwm2m\",</lwm2m/3/0>,</lwm2m/5/0>";
  come();
  static_cast<void>(inspect(3s));
  EXPECT_GT(child_.count("GET lwm2m/5/0") + child_.count("GET lwm2m/3/0"), 0);
}

TEST_F(Delivery, AutomaticInstallationIsSwitchedOffFirst) {
  child_.automatic = true;
  come();
  expect_delivered(deliver());
  EXPECT_EQ(child_.automatic, false);
  child_.automatic = true;
  child_.automatic_can_be_cleared = false;
  const auto seen = inspect();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->revert_class, wire::RevertClass::unstageable);
}

// ------------------------------------------------------------------------------------------------------------- results

struct ResultRow {
  std::int64_t result;
  Errc code;
};
class Results : public Delivery, public testing::WithParamInterface<ResultRow> {};
INSTANTIATE_TEST_SUITE_P(Each, Results,
                         testing::Values(ResultRow{2, Errc::no_space}, ResultRow{3, Errc::no_space},
                                         ResultRow{4, Errc::unavailable}, ResultRow{5, Errc::mismatch},
                                         ResultRow{6, Errc::unsupported}, ResultRow{8, Errc::io},
                                         ResultRow{10, Errc::denied}, ResultRow{12, Errc::busy},
                                         ResultRow{13, Errc::guard_failed}, ResultRow{200, Errc::unsupported}));

TEST_P(Results, OfAPullIsANamedCause) {
  child_.package_result = GetParam().result;
  child_.notifies = false;  // and no State changes that anybody sees
  come();
  const auto outcome = deliver();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, GetParam().code) << outcome.error().message;
  EXPECT_THAT(outcome.error().message, HasSubstr("Result " + std::to_string(GetParam().result)));
}

TEST_P(Results, OfAPushIsANamedCauseThoughTheLastBlockWasTaken) {
  profile_.way = coap::Way::push;
  enroll();
  child_.package_result = GetParam().result;
  come();
  const auto outcome = deliver();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, GetParam().code) << outcome.error().message;
  EXPECT_THAT(outcome.error().message, HasSubstr("Result " + std::to_string(GetParam().result)));
}

TEST_F(Delivery, AnOldFailureIsNotTakenForThisOne) {
  child_.result = 5;
  come();
  expect_delivered(deliver());
}

TEST_F(Delivery, InvalidUriAndUnsupportedProtocolArePushed) {
  for (const std::int64_t result : {7, 9}) {
    child_.package_result = result;
    come();
    const auto outcome = begin_delivery();
    time_->until([&] { return child_.count("PUSH 5/0/0") != 0; });
    child_.package_result = 0;
    time_->until([&] { return outcome->has_value(); });
    expect_delivered(**outcome);
    child_.log.clear();
    child_.restart();
  }
}

// ---------------------------------------------------------------------------------------------------------------- pull

TEST_F(Delivery, WhoDoesNotBeginIsToldAgainAndThenPushed) {
  child_.ignores_uri = true;
  come();
  expect_delivered(deliver());
  EXPECT_EQ(child_.count("PUT 5/0/1"), 2);
  EXPECT_EQ(child_.count("PUSH 5/0/0"), 1);
}

TEST_F(Delivery, WhoDoesNotBeginAndTakesNoPushIsAnError) {
  child_.ignores_uri = true;
  child_.delivery = 0;
  come();
  const auto outcome = deliver();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("does not begin to pull"));
}

TEST_F(Delivery, ARestartOfOursInTheMiddleOfAPullTakesItUpWhereItIs) {
  child_.stops_pull_at = 50 * 1024;
  come();
  begin_delivery();
  time_->until([&] { return child_.package.size() >= 50 * 1024; });
  stop_.emit(asio::cancellation_type::terminal);
  time_->settle();
  EXPECT_GT(server_.expected_until, time_->now() + 30s) << "it asks in vain, and is not refused";
  restart_plugin();
  EXPECT_EQ(child_.updates(), coap::Code::changed);
  time_->settle();
  const auto seen = inspect();
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(child_.count("EMPTY URI"), 0) << "it is our own";
  progress_.clear();
  child_.log.clear();
  const auto outcome = begin_delivery();
  time_->until([&] { return server_.find("fw/pump/abababababababab", "") != nullptr; });
  child_.stops_pull_at.reset();
  child_.pull(50 * 1024);
  time_->until([&] { return outcome->has_value(); });
  expect_delivered(**outcome);
  EXPECT_EQ(child_.count("PUT 5/0/1"), 0) << "nothing is written anew";
  EXPECT_GE(progress_.front(), 50U * 1024);
}

TEST_F(Delivery, AChildThatRestartsInTheMiddleBeginsAnew) {
  child_.stops_pull_at = 50 * 1024;
  come();
  const auto outcome = begin_delivery();
  time_->until([&] { return child_.package.size() >= 50 * 1024; });
  child_.lose("reset");
  time_->pass(20s);
  EXPECT_FALSE(outcome->has_value()) << "a child that is away is waited for";
  child_.restart();
  time_->until([&] { return outcome->has_value(); });
  expect_delivered(**outcome);
  EXPECT_EQ(child_.count("PUT 5/0/1"), 2);
}

TEST_F(Delivery, AForeignDownloadIsStopped) {
  come();
  child_.uri = "http://elsewhere/x";
  child_.state = 1;
  const auto seen = inspect();
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(child_.state, 0);
  child_.state = 1;
  child_.ignores_empty_uri = true;
  const auto stuck = inspect();
  ASSERT_FALSE(stuck);
  EXPECT_EQ(stuck.error().code, Errc::busy);
  EXPECT_THAT(stuck.error().message, HasSubstr("from elsewhere"));
}

TEST_F(Delivery, WhatWasNotBroughtFromHereIsNoStandby) {
  come();
  child_.state = 2;
  const auto seen = inspect();
  ASSERT_TRUE(seen);
  EXPECT_TRUE(standby(*seen).empty());
  expect_delivered(deliver());
}

TEST(PullProgress, FollowsWhoeverAsksBlockAfterBlock) {
  coap::PullProgress progress;
  EXPECT_EQ(progress.sent(0, 64), 64U);
  EXPECT_EQ(progress.sent(64, 64), 128U);
  EXPECT_EQ(progress.sent(64, 64), 128U) << "sent again";
  EXPECT_EQ(progress.sent(6400, 64), std::nullopt) << "a look at the end";
  EXPECT_EQ(progress.sent(6464, 64), 6528U) << "it goes on there";
  EXPECT_EQ(progress.sent(0, 64), 64U) << "from the beginning";
}

// ---------------------------------------------------------------------------------------------------------------- push

TEST_F(Delivery, IsPushedWhereTheChildCannotPull) {
  child_.delivery = 1;
  come();
  expect_delivered(deliver());
  EXPECT_EQ(child_.count("PUSH 5/0/0"), 1);
  EXPECT_EQ(child_.count("PUT 5/0/1"), 0);
  EXPECT_EQ(progress_.back(), kSize);
}

TEST_F(Delivery, ABrokenPushIsClearedAwayAndBegunAtItsFirstByte) {
  child_.delivery = 1;
  child_.silent_at = 30 * 1024;
  come();
  time_->after(90s, [this] {
    child_.is_silent = false;
    child_.updates();
  });
  expect_delivered(deliver());
  EXPECT_EQ(child_.count("PUSH 5/0/0"), 2);
  EXPECT_EQ(child_.count("EMPTY URI"), 1);
}

TEST_F(Delivery, AChildThatStaysSilentAfterABrokenPushIsAskedToRegister) {
  child_.delivery = 1;
  child_.silent_at = 30 * 1024;
  come();
  const auto outcome = begin_delivery();
  time_->until([&] { return child_.is_silent; });
  child_.lose("unreachable");
  time_->until([&] { return server_.reached.size() >= 3; });
  EXPECT_EQ(server_.reached.front(), "192.0.2.7:5683");
  EXPECT_THAT(lines_, testing::Contains(HasSubstr("silent since a push broke off")));
  child_.is_silent = false;
  EXPECT_EQ(child_.registers().code, coap::Code::created);
  time_->until([&] { return outcome->has_value(); });
  expect_delivered(**outcome);
}

TEST_F(Delivery, ThreeBrokenPushesAreAnError) {
  child_.delivery = 1;
  come();
  const std::function<void()> wake = [&] {
    child_.is_silent = false;
    child_.silent_at = 30 * 1024;
    child_.updates();
    time_->after(100s, wake);
  };
  child_.silent_at = 30 * 1024;
  time_->after(100s, wake);
  const auto outcome = deliver();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("broke off 3 times"));
  EXPECT_EQ(child_.count("PUSH 5/0/0"), 3);
}

TEST_F(Delivery, OneThatNeverSpeaksAgainIsAnErrorThatSaysSo) {
  child_.delivery = 1;
  child_.silent_at = 30 * 1024;
  come();
  const auto outcome = deliver();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::unavailable);
  EXPECT_THAT(outcome.error().message, HasSubstr("silent since a push broke off"));
}

}  // namespace
}  // namespace hg::test
