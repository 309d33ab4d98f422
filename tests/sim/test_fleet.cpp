// SPDX-License-Identifier: Apache-2.0
// A fleet of children under faults, on virtual time, each with one image or two: links flap, children fall silent, lose
// power, refuse all images or one of two, are held in recovery and confirm themselves, new images spoil configurations,
// the daemon is killed with its unsynced writes dropped. One seed replays everything. While the
// faults go on nothing wrong may be said of a child; once they have stopped every update must come to its end.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <random>

#include "core/standing.hpp"
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
    using Held = fakes::FlashChild::Held;
    const Held factory{"1.0.0", fakes::sha256_of(as_bytes("the factory's image"))};
    const Held radio{"1.0.0", fakes::sha256_of(as_bytes("the factory's radio"))};
    world_.latency = seconds{2};
    world_.children.clear();
    for (std::size_t i = 0; i < size; ++i) {
      core::Enrollment child = world_.boiler();
      child.id = "child-" + std::to_string(i);
      child.address = child.id;
      const bool has_two = draw(3) == 0;
      if (has_two) child.targets = {{"mcu0", 0}, {"mcu1", 1}};
      fakes::FlashChild flash(has_two ? std::vector<Held>{factory, radio} : std::vector<Held>{factory});
      flash.confirms_itself = draw(10) == 0;
      flash.configuration = "of " + child.id;
      flash.migrated = "spoiled";
      world_.children.emplace(child.id, std::move(flash));
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
    last_ = session.state();
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
  /// Where the update of a child stood at the end.
  [[nodiscard]] core::Phase phase_of(const core::ChildId& id) const { return last_.children.at(id).update->phase; }

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
    switch (draw(8)) {
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
      case 5:
        child.refuses_image = 1;
        break;
      case 6:
        child.is_held_in_recovery = true;
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
      child.refuses_image.reset();
      child.is_held_in_recovery = false;
      if (child.is_in_recovery()) child.reset();  // whoever held it there lets it go
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
      EXPECT_TRUE(core::rests_on_new(*child.seen, child.update->parts)) << id;
    }
  }

  World world_;
  std::mt19937 random_;
  Faults faults_;
  std::vector<core::Enrollment> enrollments_;
  Session* session_ = nullptr;
  core::State last_;
};

/// All images the same version, whatever became of the update, unless that is said of it.
bool is_whole(const core::Inspection& truth) {
  return std::ranges::all_of(
      truth.slots, [&](const core::Slot& slot) { return !slot.active || slot.version == truth.active(0)->version; });
}

TEST(Fleet, EveryUpdateEndsOnceTheFaultsHaveStopped) {
  std::size_t came_back = 0;
  std::size_t silent = 0;
  std::size_t reverted = 0;
  std::size_t some = 0;
  std::size_t rescued = 0;
  std::size_t restored = 0;
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    Fleet fleet(seed, 40, Faults{});
    EXPECT_TRUE(fleet.live()) << "seed " << seed;
    for (auto& [id, child] : fleet.world().children) {
      const core::Inspection truth = child.listing();
      ASSERT_FALSE(truth.is_in_recovery()) << id << ", seed " << seed;
      EXPECT_FALSE(truth.anything_pending(0)) << id << ", seed " << seed;
      EXPECT_TRUE(truth.active(0)->confirmed) << id << ", seed " << seed;
      EXPECT_TRUE(is_whole(truth) || fleet.phase_of(id) == core::Phase::split) << id << ", seed " << seed;
    }
    EXPECT_LE(fleet.world().journal.count("verified"), 7U) << "at most once a life, seed " << seed;
    came_back += fleet.world().journal.count("came-back-old");
    silent += fleet.world().journal.count("not-answering");
    reverted += fleet.world().journal.count("reverting");
    some += fleet.world().journal.count("only some of the images");
    rescued += fleet.world().journal.count("a rescue");
    restored += fleet.world().journal.count(": restored");
  }
  std::cout << came_back << " came back old, " << silent << " silent, " << reverted << " on their way back, " << some
            << " took only some, " << rescued << " rescued, " << restored << " restored\n";
  EXPECT_GT(came_back, 0U) << "the faults bite";
  EXPECT_GT(silent, 0U);
  EXPECT_GT(some, 0U);
  EXPECT_GT(rescued, 0U);
  EXPECT_GT(restored, 0U);
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
