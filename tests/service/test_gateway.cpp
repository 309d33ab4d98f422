// SPDX-License-Identifier: Apache-2.0
// The service as a whole on virtual time: the good way, power cuts at every commit and every moment, a catalogue that
// cannot be written, links that come and go.
#include <gtest/gtest.h>

#include <algorithm>

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

/// The boiler with both images of the vector, mcu0 and mcu1, as its targets.
core::Enrollment two_targets(const World& world) {
  core::Enrollment child = world.boiler();
  child.targets = {{"mcu0", 0}, {"mcu1", 1}};
  return child;
}
fakes::FlashChild two_images() {
  return fakes::FlashChild{std::vector<fakes::FlashChild::Held>{{"1.0.0", fakes::sha256_of(as_bytes("app"))},
                                                                {"1.0.0", fakes::sha256_of(as_bytes("radio"))}}};
}

TEST(Gateway, BringsTwoImagesWithOneReset) {
  World world;
  world.children.at("boiler") = two_images();
  Session session(world, {two_targets(world)});
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.confirm());
  for (std::uint8_t image = 0; image < 2; ++image) EXPECT_EQ(session.boiler().seen->active(image)->version, "2.0.0");
  EXPECT_EQ(world.children.at("boiler").resets, 1U);
  EXPECT_EQ(std::ranges::count(session.transport.steps, "deliver"), 2);
}

TEST(Gateway, OneImageThatIsRefusedTakesTheOtherBack) {
  World world;
  world.children.at("boiler") = two_images();
  world.children.at("boiler").refuses_image = 1;
  Session session(world, {two_targets(world)});
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.run_until([&] { return session.phase() == Phase::reverted; }));
  for (std::uint8_t image = 0; image < 2; ++image)
    EXPECT_EQ(world.children.at("boiler").listing().active(image)->version, "1.0.0");
  world.children.at("boiler").refuses_image.reset();
  EXPECT_TRUE(session.confirm()) << "it is tried again";
}

TEST(Gateway, RescuesAChildThatRunsNothing) {
  World world;
  world.children.at("boiler").brick();
  ASSERT_TRUE(world.children.at("boiler").is_in_recovery());
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.confirm());
  EXPECT_EQ(session.boiler().seen->active(0)->version, "2.0.0");
}

TEST(Gateway, WritesBackTheConfigurationThatANewImageSpoiled) {
  World world;
  fakes::FlashChild& boiler = world.children.at("boiler");
  boiler.configuration = "setpoint=55, key=secret";
  boiler.migrated = "setpoint=0";
  core::Enrollment child = world.boiler();
  child.patience.health = seconds{60};
  Session session(world, {child});
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.run_until([&] { return session.phase() == Phase::testing; }));
  ASSERT_EQ(boiler.configuration, "setpoint=0");
  EXPECT_TRUE(world.blobs.has(fakes::sha256_of(as_bytes("setpoint=55, key=secret"))));
  boiler.reset();  // its watchdog: the new image is taken back
  ASSERT_TRUE(session.run_until([&] { return !boiler.written_back.empty(); }));
  EXPECT_EQ(boiler.configuration, "setpoint=55, key=secret");
  session.run_until([&] { return world.journal.count("restored") > 0; }, seconds{5});
  EXPECT_EQ(world.journal.count("restored"), 1U);
}

TEST(Gateway, KeepsTheLastBackupOfAChildAndRemovesTheOneBefore) {
  World world;
  fakes::FlashChild& boiler = world.children.at("boiler");
  boiler.configuration = "setpoint=55";
  const Digest first = fakes::sha256_of(as_bytes("setpoint=55"));
  const Digest second = fakes::sha256_of(as_bytes("setpoint=60"));
  core::Enrollment child = world.boiler();
  child.restore = core::RestorePolicy::never;
  Session session(world, {child});
  ASSERT_TRUE(session.seal());
  boiler.refuses_images = true;
  session.start_rollout();
  ASSERT_TRUE(session.run_until([&] { return session.phase() == Phase::reverted; }));
  EXPECT_TRUE(world.blobs.has(first));
  boiler.configuration = "setpoint=60";
  boiler.refuses_images = false;
  ASSERT_TRUE(session.confirm());
  EXPECT_TRUE(world.blobs.has(second)) << "of the last update";
  EXPECT_FALSE(world.blobs.has(first));
  EXPECT_EQ(session.boiler().update->backup, second);
}

TEST(Gateway, ABackupThatCannotBeKeptStopsTheUpdateBeforeAnythingIsSent) {
  World world;
  world.children.at("boiler").configuration = "setpoint=55";
  Session session(world);
  ASSERT_TRUE(session.seal());
  world.blobs.fail_seal({Errc::no_space, "the disk is full"});
  session.start_rollout();
  ASSERT_TRUE(session.run_until([&] { return session.phase() == Phase::deferred; }));
  EXPECT_EQ(std::ranges::count(session.transport.steps, "deliver"), 0);
  EXPECT_NE(session.boiler().update->cause.text.find("keep the backup: the disk is full"), std::string::npos)
      << session.boiler().update->cause.text;
  EXPECT_TRUE(session.confirm());
}

TEST(Gateway, ProgressOfTwoImagesIsThatOfBoth) {
  World world;
  world.children.at("boiler") = two_images();
  Session session(world, {two_targets(world)});
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  std::uint64_t highest = 0;
  std::uint64_t total = 0;
  session.run_until([&] {
    if (session.phase() != Phase::transferring) return session.phase() == Phase::staged;
    const auto now = session.gateway.control().progress(1);
    if (now.total == 0) return false;
    EXPECT_GE(now.done, highest) << "it does not begin anew with the second image";
    highest = now.done;
    total = now.total;
    return false;
  });
  const core::Deliverable& brought = session.state().deliverables.begin()->second;
  EXPECT_EQ(total, brought.images[0].size + brought.images[1].size);
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
