// SPDX-License-Identifier: Apache-2.0
// A fleet of children under faults, on virtual time: links flap, children fall silent, lose power, refuse images and
// confirm themselves, the daemon is killed with its unsynced writes dropped. One seed replays everything. While the
// faults go on nothing wrong may be said of a child; once they have stopped every update must come to its end.
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "service/virtual_gateway.hpp"

namespace hg::service::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// What may go wrong, and how often: every `pause` a fault falls on one child of the fleet. An update takes about forty
/// seconds when all is well, so that each child is struck several times in one.
struct Faults {
  Duration pause{Duration{250}};
  Duration until{minutes{6}};  ///< then the faults stop
  unsigned kills = 6;          ///< of the daemon, in that time
};

class Fleet {
 public:
  Fleet(std::uint32_t seed, std::size_t size, Faults faults) : random_(seed), faults_(faults) {
    const fakes::FlashChild::Held factory{"1.0.0", fakes::sha256_of(as_bytes("the factory's image"))};
    world_.latency = seconds{2};
    world_.children.clear();
    for (std::size_t i = 0; i < size; ++i) {
      core::Enrollment child = world_.boiler();
      child.id = "child-" + std::to_string(i);
      child.address = child.id;
      world_.children.emplace(child.id, fakes::FlashChild{factory});
      world_.children.at(child.id).confirms_itself = draw(10) == 0;
      enrollments_.push_back(std::move(child));
    }
  }

  /// Lives through the faults and then until every update is over. False: something never ended.
  bool live() {
    const Duration life = faults_.until / (faults_.kills + 1);
    for (unsigned i = 0; i < faults_.kills; ++i) {
      one_life(world_.clock.elapsed() + life / 2 + Duration{draw(static_cast<std::uint32_t>(life.count()))});
      world_.catalogue.cut_power(draw(2) == 0 ? fakes::MemoryCatalogue::Unsynced::dropped
                                              : fakes::MemoryCatalogue::Unsynced::kept);
    }
    Session session(world_, enrollments_);
    session_ = &session;
    heal();
    session.announcements.announce(kUrl);
    ask_once(session);
    const bool ended = session.run_until([&] { return all_over(session.state()); }, hours{24 * 3});
    check_truth(session.state());
    session_ = nullptr;
    return ended;
  }

  [[nodiscard]] std::uint64_t trace() const {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const auto& line : world_.journal.lines())
      for (const char c : line.text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return hash;
  }

  World& world() { return world_; }

 private:
  std::uint32_t draw(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

  /// A life of the daemon with faults, up to its SIGKILL.
  void one_life(Duration end) {
    Session session(world_, enrollments_);
    session_ = &session;
    session.announcements.announce(kUrl);
    while (world_.clock.elapsed() < end) {
      world_.clock.advance(session.loop, faults_.pause);
      ask_once(session);
      strike(session);
      check_truth(session.state());
    }
    session_ = nullptr;
  }

  void ask_once(Session& session) {
    session.run_until([&] { return !session.state().deliverables.empty(); }, minutes{5});
    if (session.state().rollouts.empty() && !session.state().deliverables.empty()) session.start_rollout();
  }

  void strike(Session& session) {
    const core::ChildId id = enrollments_[draw(static_cast<std::uint32_t>(enrollments_.size()))].id;
    fakes::FlashChild& child = world_.children.at(id);
    switch (draw(6)) {
      case 0:
        session.transport.link(id, false);
        break;
      case 1:
        session.transport.link(id, true);
        break;
      case 2:
        child.answers = !child.answers;
        break;
      case 3:
        child.reset();
        break;  // it loses its power
      case 4:
        child.refuses_images = !child.refuses_images;
        break;
      default:
        world_.catalogue.fail_commits({Errc::busy, "the disk is slow"}, 1);
        break;
    }
  }

  void heal() {
    for (auto& [id, child] : world_.children) {
      child.answers = true;
      child.refuses_images = false;
      session_->transport.link(id, true);
    }
  }

  static bool all_over(const core::State& state) {
    return std::ranges::all_of(
        state.children, [](const auto& entry) { return entry.second.update && core::is_over(*entry.second.update); });
  }

  /// What is said of a child's end was said by the child.
  static void check_truth(const core::State& state) {
    for (const auto& [id, child] : state.children) {
      if (!child.update || child.update->phase != core::Phase::confirmed || !child.seen) continue;
      const core::Slot* active = child.seen->active(0);
      ASSERT_NE(active, nullptr) << id;
      EXPECT_EQ(active->digest, child.update->parts.front().after) << id;
      EXPECT_TRUE(active->confirmed) << id;
    }
  }

  World world_;
  std::mt19937 random_;
  Faults faults_;
  std::vector<core::Enrollment> enrollments_;
  Session* session_ = nullptr;
};

TEST(Fleet, EveryUpdateEndsOnceTheFaultsHaveStopped) {
  std::size_t came_back = 0;
  std::size_t silent = 0;
  std::size_t reverted = 0;
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    Fleet fleet(seed, 40, Faults{});
    EXPECT_TRUE(fleet.live()) << "seed " << seed;
    for (auto& [id, child] : fleet.world().children) {
      const core::Inspection truth = child.listing();
      EXPECT_FALSE(truth.anything_pending(0)) << id << ", seed " << seed;
      EXPECT_TRUE(truth.active(0)->confirmed) << id << ", seed " << seed;
    }
    EXPECT_LE(fleet.world().journal.count("verified"), 7U) << "at most once a life, seed " << seed;
    came_back += fleet.world().journal.count("came-back-old");
    silent += fleet.world().journal.count("not-answering");
    reverted += fleet.world().journal.count("reverting");
  }
  std::cout << came_back << " came back old, " << silent << " silent, " << reverted << " on their way back\n";
  EXPECT_GT(came_back, 0U) << "the faults bite";
  EXPECT_GT(silent, 0U);
}

TEST(Fleet, WithoutFaultsEveryChildIsConfirmedWithOneReset) {
  Faults none;
  none.kills = 0;
  Fleet fleet(1, 200, none);
  EXPECT_TRUE(fleet.live());
  for (auto& [id, child] : fleet.world().children) {
    EXPECT_EQ(child.resets, 1U) << id;
    EXPECT_EQ(child.listing().active(0)->version, "2.0.0") << id;
  }
}

TEST(Fleet, TheSameSeedGivesTheSameTrace) {
  Fleet first(7, 20, Faults{});
  Fleet second(7, 20, Faults{});
  Fleet other(8, 20, Faults{});
  first.live();
  second.live();
  other.live();
  EXPECT_EQ(first.trace(), second.trace());
  EXPECT_NE(first.trace(), other.trace());
}

}  // namespace
}  // namespace hg::service::test
