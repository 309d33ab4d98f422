// SPDX-License-Identifier: Apache-2.0
// The service as a whole on virtual time: the good way, power cuts at every commit and every moment, a catalogue that
// cannot be written, links that come and go.
#include <gtest/gtest.h>

#include "service/virtual_gateway.hpp"

namespace hg::service::test {
namespace {

using core::Phase;
using std::chrono::hours;
using std::chrono::seconds;

TEST(Gateway, BringsADeliverableToAChildAndConfirmsIt) {
  World world;
  Session session(world);
  ASSERT_TRUE(session.seal());
  ASSERT_TRUE(session.run_until([&] { return session.boiler().seen.has_value(); }));
  session.start_rollout();
  ASSERT_TRUE(session.confirm());
  EXPECT_EQ(session.boiler().seen->active(0)->version, "2.0.0");
  EXPECT_EQ(world.children.at("boiler").resets, 1U);
  const std::vector<std::string> expected{"inspect", "inspect", "offer",    "backup",
                                          "deliver", "inspect", "activate", "confirm"};
  EXPECT_EQ(session.transport.steps, expected);
}

TEST(Gateway, AnotherRolloutOfTheSameFindsItDone) {
  World world;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.confirm());
  session.start_rollout();
  ASSERT_TRUE(
      session.run_until([&] { return session.boiler().update->epoch == 2 && session.phase() == Phase::confirmed; }));
  EXPECT_EQ(world.children.at("boiler").resets, 1U);
}

TEST(Gateway, AnEnvelopeIsVerifiedOnceHoweverOftenItIsAnnounced) {
  World world;
  {
    Session session(world);
    ASSERT_TRUE(session.seal());
    for (int i = 0; i < 5; ++i) {
      session.announcements.announce(kUrl);
      session.run_until([] { return false; }, seconds{60});
    }
  }
  world.catalogue.cut_power();
  Session again(world);
  again.announcements.announce(kUrl);
  again.run_until([] { return false; }, seconds{60});
  EXPECT_EQ(world.journal.count("verified"), 1U);
}

TEST(Gateway, ARolloutOfNothingIsRefusedByName) {
  World world;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.start_rollout({"nobody"});
  ASSERT_TRUE(session.run_until([&] { return session.answer.has_value(); }));
  EXPECT_EQ(session.answer->error().code, Errc::not_found);
}

TEST(Gateway, AChildThatComesBackOldIsTriedAgainAndThenRests) {
  World world;
  world.children.at("boiler").refuses_images = true;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.run_until([&] { return world.journal.count("came-back-old") == 5; }, hours{2}));
  const unsigned resets = world.children.at("boiler").resets;
  EXPECT_EQ(resets, 5U);
  session.run_until([] { return false; }, hours{20});
  EXPECT_EQ(world.children.at("boiler").resets, resets) << "it rests for 24 hours";
  EXPECT_EQ(session.boiler().seen->active(0)->version, "1.0.0");
}

TEST(Gateway, ALinkThatGoesAndComesIsGoneOnWith) {
  World world;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.run_until([&] { return session.phase() == Phase::transferring; }));
  session.transport.link("boiler", false);
  session.run_until([] { return false; }, seconds{300});
  EXPECT_EQ(session.phase(), Phase::transferring);
  session.transport.link("boiler", true);
  EXPECT_TRUE(session.confirm());
}

TEST(Gateway, WhileTheCatalogueCannotBeWrittenNothingIsDone) {
  World world;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.run_until([] { return false; }, seconds{5});
  world.catalogue.fail_commits({Errc::no_space, "disk full"}, 10);
  const std::size_t steps = session.transport.steps.size();
  session.start_rollout();
  session.run_until([] { return false; }, seconds{20});
  EXPECT_EQ(session.transport.steps.size(), steps);
  EXPECT_GE(world.journal.count("disk full"), 1U);
  EXPECT_TRUE(session.confirm()) << "it goes on by itself";
  EXPECT_GE(world.journal.count("can be written again"), 1U);
}

TEST(Gateway, AnEndedDaemonLeavesNothingHalfDone) {
  World world;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.run_until([&] { return session.phase() == Phase::transferring; }));
  session.gateway.stop();
  world.clock.run_until_idle(session.loop);
  EXPECT_TRUE(session.ended) << "every task has ended";
}

/// One life from the announcement to `confirmed`, with power cuts where `cut` says so. Returns the number of lives.
int live_through(World& world, const std::function<bool(Session&, int life)>& cut,
                 fakes::MemoryCatalogue::Unsynced unsynced) {
  for (int life = 1; life < 200; ++life) {
    bool over = false;
    {
      Session session(world);
      session.announcements.announce(kUrl);  // retained by the broker
      bool asked = false;
      session.run_until([&] {
        if (!session.state().deliverables.empty() && session.boiler().online && !session.boiler().update && !asked) {
          asked = true;
          session.start_rollout();
        }
        over = session.boiler().update && session.phase() == Phase::confirmed &&
               world.catalogue.durable().children.at("boiler").update == session.boiler().update;
        return over || cut(session, life);
      });
    }
    world.catalogue.cut_power(unsynced);
    if (over) return life;
  }
  return -1;
}

/// From the announcement to `confirmed`; a cut after that would cut nothing.
constexpr std::uint64_t kCommitsOfOneLife = 13;

class PowerCuts : public testing::TestWithParam<fakes::MemoryCatalogue::Unsynced> {};

TEST_P(PowerCuts, AtEveryCommitEndConfirmedWithOneReset) {
  for (std::uint64_t commit = 1; commit <= kCommitsOfOneLife; ++commit) {
    World world;
    const auto at_commit = [&](Session&, int life) {
      return life == 1 && world.catalogue.is_committing() && world.catalogue.commits() + 1 == commit;
    };
    EXPECT_GE(live_through(world, at_commit, GetParam()), 2) << "commit " << commit;
    EXPECT_EQ(world.children.at("boiler").resets, 1U) << "commit " << commit;
    EXPECT_LE(world.journal.count("verified"), 2U) << "commit " << commit;
  }
}

TEST_P(PowerCuts, AtEveryStepEndConfirmedWithOneReset) {
  for (std::size_t step = 1; step <= 8; ++step) {
    World world;
    const auto at_step = [&](Session& session, int life) {
      return life == 1 && session.transport.steps.size() == step;
    };
    EXPECT_NE(live_through(world, at_step, GetParam()), -1) << "step " << step;
    EXPECT_EQ(world.children.at("boiler").resets, 1U) << "step " << step;
  }
}

TEST_P(PowerCuts, AgainAndAgainAtRandomMomentsEndConfirmed) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    World world;
    std::uint32_t random = seed * 2654435761U;
    Duration lives_until{0};
    int lives = 0;
    const auto at_random = [&](Session&, int life) {
      if (life != lives) {
        lives = life;
        random = random * 1664525U + 1013904223U;
        lives_until = world.clock.elapsed() + Duration{(random >> 16) % 300};
      }
      return life <= 10 && world.clock.elapsed() >= lives_until;
    };
    EXPECT_NE(live_through(world, at_random, GetParam()), -1) << "seed " << seed;
    EXPECT_EQ(world.children.at("boiler").resets, 1U) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Unsynced, PowerCuts,
                         testing::Values(fakes::MemoryCatalogue::Unsynced::dropped,
                                         fakes::MemoryCatalogue::Unsynced::kept),
                         [](const auto& row) {
                           return row.param == fakes::MemoryCatalogue::Unsynced::dropped ? "Dropped" : "Kept";
                         });

}  // namespace
}  // namespace hg::service::test
