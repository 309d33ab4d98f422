// SPDX-License-Identifier: Apache-2.0
// What holds whatever is answered, said and signed in whatever order: random walks over the engine.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/random_walk.hpp"
#include "core/standing.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;

TEST(Invariants, DecisionsAreNeverTakenBack) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    Walk walk(seed);
    Bench& bench = walk.bench();
    Decision last = Decision::none;
    Phase last_phase = Phase::preflight;
    Epoch epoch = 0;
    for (int i = 0; i < 200; ++i) {
      walk.live();
      if (!bench.child().update) continue;
      const Update& u = bench.update();
      const bool same = u.epoch == epoch;
      if (same && last == Decision::commit && last_phase != Phase::confirmed) {
        EXPECT_EQ(u.decision, Decision::commit) << "seed " << seed;
      }
      if (same && last == Decision::back && u.decision != Decision::back) {
        EXPECT_EQ(last_phase, Phase::reverted) << "only another attempt begins anew, seed " << seed;
      }
      if (u.phase == Phase::confirmed && last_phase != Phase::confirmed) {
        EXPECT_TRUE(rests_on_new(*bench.child().seen, u.parts)) << "seed " << seed;
      }
      if (u.phase == Phase::reverted && last_phase != Phase::reverted) {
        EXPECT_TRUE(rests_on_old(*bench.child().seen, u.parts)) << "seed " << seed;
      }
      if (std::holds_alternative<Activate>(bench.child().step)) {
        EXPECT_NE(u.decision, Decision::none) << "ACTIVATE is decided before the order";
      }
      if (std::holds_alternative<Confirm>(bench.child().step)) {
        EXPECT_EQ(u.decision, Decision::commit);
      }
      last = u.decision;
      last_phase = u.phase;
      epoch = u.epoch;
    }
  }
}

bool is_put(const Output& out, const Permit& permit) {
  return std::ranges::any_of(out.changes, [&](const Change& change) {
    const auto* put = std::get_if<PutPermit>(&change);
    return put != nullptr && put->permit == permit;
  });
}

/// Whether ACTIVATE, decided in this event, was allowed by what was known before it.
testing::AssertionResult was_allowed(const State& before, const State& after, const Output& out) {
  const Child& child = after.children.at(kBoiler);
  const Update& u = *child.update;
  const std::uint64_t floor = highest_floor(before);
  const std::uint64_t sequence = after.deliverables.at(u.deliverable).sequence;
  if (sequence >= floor || before.children.at(kBoiler).committed == u.deliverable) return testing::AssertionSuccess();
  const auto permit = after.permits.find(u.permit);
  if (permit == after.permits.end()) return testing::AssertionFailure() << sequence << " < " << floor << ", no permit";
  const auto use = permit->second.uses.find(kBoiler);
  if (use == permit->second.uses.end() || use->second != u.epoch)
    return testing::AssertionFailure() << "its use is not recorded for update " << u.epoch;
  const bool was_recorded = before.permits.at(u.permit).uses.contains(kBoiler);
  if (!was_recorded && !is_put(out, permit->second))
    return testing::AssertionFailure() << "its use is not written down";
  if (permit->second.from != floor || permit->second.to != sequence ||
      permit->second.whom == decltype(Permit::whom)("pump"))
    return testing::AssertionFailure() << "it is a permit for something else";
  if (!before.time_is_known) return testing::AssertionFailure() << "the time was not known";
  return testing::AssertionSuccess();
}

TEST(Invariants, NothingGoesBelowAFloorWithoutAPermitThatIsRecordedAsUsedByIt) {
  unsigned under_permit = 0;
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    Walk walk(seed);
    Bench& bench = walk.bench();
    bench.child().floors["boiler"] = 9;
    for (int i = 0; i < 300; ++i) {
      const State before = bench.state;
      const Output out = walk.step();
      const State& after = bench.state;
      const auto decision_in = [](const State& state) {
        const auto& update = state.children.at(kBoiler).update;
        return update ? update->decision : Decision::none;
      };
      if (decision_in(before) == Decision::none && decision_in(after) == Decision::activate) {
        ASSERT_TRUE(was_allowed(before, after, out)) << "seed " << seed << " event " << i;
        under_permit += after.children.at(kBoiler).update->permit.empty() ? 0 : 1;
      }
      ASSERT_GE(highest_floor(after), highest_floor(before)) << "a floor went down, seed " << seed;
      for (const auto& [id, old] : before.permits)
        for (const auto& [child, epoch] : old.uses)
          ASSERT_EQ(after.permits.at(id).uses.at(child), epoch) << "a use was taken back, seed " << seed;
      if (out.refusal) {
        ASSERT_TRUE(out.changes.empty()) << "refused, and yet something was done: " << out.refusal->message;
      }
    }
  }
  EXPECT_GT(under_permit, 100U) << "the walk hardly ever went back: it proves nothing";
}

TEST(Invariants, StateIsBounded) {
  Bench bench;
  Walk walk(1);
  const auto digits = [](std::uint32_t number) { return to_hex(Bytes(16, static_cast<std::uint8_t>(number % 251))); };
  for (std::uint32_t i = 0; i < 1500; ++i) {
    const std::string number = std::to_string(i);
    Permit one = permit();
    one.id = digits(i).substr(number.size()) + number;
    one.not_after = bench.now + hours{walk.dice(10'000)};
    bench.post(PermitAccepted{one});
    Head next = head(i);
    next.channel = number;
    next.entries[0].product = number;
    next.entries[0].minimum = 1;
    bench.post(HeadAccepted{next});
    const Bytes image{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    bench.post(GrantAccepted{{*Digest::from_bytes(image), one.not_after, image}});
    next.channel = "stable";
    next.entries.clear();
    for (const char* letter : {"b", "c", "d", "e"}) next.entries.push_back({number + letter, 1, "d", 1});
    bench.post(HeadAccepted{next});
    bench.post(AnnouncementHeard{number});
    bench.start();
    bench.now += hours{1};
  }
  EXPECT_EQ(bench.state.permits.size(), kMaxPermits);
  EXPECT_EQ(bench.state.grants.size(), kMaxGrants);
  EXPECT_EQ(bench.state.heads.size(), kMaxHeads);
  EXPECT_LE(bench.state.floors.size(), kMaxGatewayFloors);
  EXPECT_GT(bench.state.floors.size(), kMaxGatewayFloors - 4) << "they came four at a time";
  EXPECT_LE(bench.state.rollouts.size(), kMaxRollouts);
  EXPECT_LE(bench.state.announced.size(), kMaxAnnounced);
}

}  // namespace
}  // namespace hg::core::table
