// SPDX-License-Identifier: Apache-2.0
// What a cold read of the service found, each as the run that showed it.
#include <gtest/gtest.h>

#include "service/virtual_gateway.hpp"

namespace hg::service::test {
namespace {

using core::Phase;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Regression, WhoAskedIsAnsweredWhenTheDaemonStopsOnAFullDisk) {
  World world;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.run_until([] { return false; }, seconds{5});
  world.catalogue.fail_commits({Errc::no_space, "disk full"}, 1000000);
  session.start_rollout();
  session.run_until([&] { return world.journal.count("disk full") > 0; }, seconds{20});
  session.gateway.stop();
  session.run_until([] { return false; }, hours{1});
  EXPECT_TRUE(session.answer.has_value()) << "ask() never returns";
}
TEST(Regression, StoppingOnAFullDiskTakesNoMinute) {
  World world;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.run_until([] { return false; }, seconds{5});
  world.catalogue.fail_commits({Errc::no_space, "disk full"}, 1000000);
  session.start_rollout();
  session.run_until([] { return false; }, minutes{4});
  session.gateway.stop();
  const auto begun = world.clock.elapsed();
  EXPECT_TRUE(world.clock.run_until_idle(session.loop, hours{1}));
  EXPECT_LE(world.clock.elapsed() - begun, seconds{5}) << (world.clock.elapsed() - begun).count() << " ms";
}
TEST(Regression, OfALinkThatComesAndGoesWhileTheDiskIsFullTheLastWordCounts) {
  World world;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.run_until([&] { return session.boiler().online && !world.catalogue.is_committing(); }, seconds{5});
  world.catalogue.fail_commits({Errc::no_space, "disk full"}, 3);
  session.start_rollout();  // something to commit
  ASSERT_TRUE(session.run_until([&] { return world.journal.count("disk full") > 0; }, seconds{20}));
  for (const bool up : {true, false, true}) session.transport.link("boiler", up);
  EXPECT_TRUE(session.run_until([&] { return session.phase() == Phase::confirmed; }, hours{1}))
      << core::name_of(session.phase()) << (session.boiler().online ? ", online" : ", offline");
}
TEST(Regression, AfterStopNoNewStepBegins) {
  World world;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.run_until([&] { return session.boiler().seen.has_value() && !world.catalogue.is_committing(); }, seconds{5});
  session.start_rollout();
  ASSERT_TRUE(
      session.run_until([&] { return session.phase() == Phase::activating && world.catalogue.is_committing(); }));
  const auto steps = session.transport.steps.size();
  session.gateway.stop();
  world.clock.run_until_idle(session.loop);
  EXPECT_EQ(session.transport.steps.size(), steps) << session.transport.steps.back();
}
TEST(Regression, AnAnnouncementHeardTwiceIsWorkedOnOnce) {
  World world;
  world.web.fail_next({1U << 20, {Errc::unavailable, "none"}});            // the envelope: not reached
  world.web.fail_next({100, {Errc::unavailable, "reset in the middle"}});  // the image: a second of pause
  Session session(world);
  session.announcements.announce(kUrl);
  ASSERT_TRUE(session.run_until([&] { return world.journal.count("verified") == 1; }));
  session.announcements.announce(kUrl);  // QoS 1 says it again, or the broker's retained one after a reconnect
  session.run_until([] { return false; }, hours{1});
  EXPECT_EQ(world.journal.count("verified"), 1U);
  EXPECT_LE(world.web.fetches(), 4U) << "the envelope is looked at once more, nothing else";
}
TEST(Regression, AnAbortedSelfConfirmingChildDoesNotResetForEver) {
  World world;
  world.children.at("boiler").confirms_itself = true;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.run_until(
      [&] { return !session.transport.steps.empty() && session.transport.steps.back() == "activate"; }));
  world.children.at("boiler").mark(session.boiler().update->parts.front().after);
  world.children.at("boiler").reset();  // on the wire
  const auto stop_it = [](Session& s) -> asio::awaitable<void> {
    (void)co_await s.gateway.control().abort(s.boiler().update->epoch);
  };
  asio::co_spawn(session.loop, stop_it(session), asio::detached);
  session.run_until([] { return false; }, hours{24 * 7});
  EXPECT_LT(world.children.at("boiler").resets, 20U) << core::name_of(session.phase());
}
TEST(Regression, TwoQuickReloadsLeaveNoGhost) {
  World world;
  Session session(world);
  session.run_until([] { return false; }, seconds{5});
  core::Enrollment pump = world.boiler();
  pump.id = "pump";
  session.gateway.enroll({world.boiler(), pump});
  session.gateway.enroll({world.boiler()});
  session.run_until([] { return false; }, seconds{5});
  EXPECT_FALSE(session.state().children.at("pump").enrolled);
}
TEST(Regression, AServerThatGivesAByteAConnectionIsGivenUp) {
  World world;
  Session session(world);
  world.web.put(kUrl, Bytes(900'000));
  for (int i = 0; i < 4'000; ++i) world.web.fail_next({1, {Errc::unavailable, "reset"}});
  session.announcements.announce(kUrl);
  session.run_until(
      [&] {
        auto a = session.gateway.control().arrivals();
        return !a.empty() &&
               (a.front().state == ports::ArrivalState::refused || a.front().text.starts_with("again at"));
      },
      std::chrono::hours{1});
  EXPECT_LT(world.web.fetches(), 100U) << "one attempt, a worker held";
}
TEST(Regression, ANewerEnvelopeUnderTheSameUrlIsNotMissed) {
  World world;
  world.web.fail_next({1U << 20, {Errc::unavailable, "none"}});
  world.web.fail_next({100, {Errc::unavailable, "reset in the middle"}});
  Session session(world);
  session.announcements.announce(kUrl);
  ASSERT_TRUE(session.run_until([&] { return world.journal.count("verified") == 1; }));
  const auto before = world.web.fetches();
  session.announcements.announce(kUrl);  // the vendor has put a newer one there
  session.run_until([] { return false; }, std::chrono::hours{1});
  EXPECT_GE(world.web.fetches(), before + 2) << "the envelope is never looked at again";
}
}  // namespace
}  // namespace hg::service::test
