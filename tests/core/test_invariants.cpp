// SPDX-License-Identifier: Apache-2.0
// What holds whatever is answered, said and signed in whatever order: random walks over the engine.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/table_child.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;

/// The child said: this image, active, confirmed, nothing pending.
bool rests_on(const Child& child, const Digest& digest) {
  const Slot* active = child.seen->active(0);
  return active != nullptr && active->digest == digest && active->confirmed && !child.seen->anything_pending(0);
}

std::uint64_t highest_floor(const State& state) {
  const auto in = [](const Floors& floors) { return floors.contains("boiler") ? floors.at("boiler") : 0; };
  return std::max(in(state.floors), in(state.children.at(kBoiler).floors));
}

/// A bench that lives by chance, and looks after each event whether a promise was broken.
class Walk {
 public:
  explicit Walk(std::uint32_t seed) : chance_(seed) { bench_.link(true); }

  Bench& bench() { return bench_; }
  std::uint32_t dice(std::uint32_t sides) { return static_cast<std::uint32_t>(chance_()) % sides; }

  /// The child, its link, the operator and the machine.
  Output live() {
    static const std::vector<Inspection> kSayings{
        normal(),   uploaded(), marked(),       under_test(),   after_confirm(),      after_revert(),
        only_new(), other(),    foreign_mark(), foreign_test(), silent_about_active()};
    const Inspection& seen = kSayings[dice(static_cast<std::uint32_t>(kSayings.size()))];
    switch (dice(12)) {
      case 0:
        return bench_.post(LinkChanged{kBoiler, false, "unplugged"});
      case 1:
        return bench_.post(LinkChanged{kBoiler, true, ""});
      case 2:
        return bench_.start();
      case 3:
        return bench_.fails(Errc::timed_out);
      case 4:
        return bench_.answer(OfferAnswer{});
      case 5:
        return bench_.answer(BackedUp{});
      case 6:
        return bench_.answer(Delivered{});
      case 7:
        return bench_.answer(GuardFailed{seen});
      case 8:
        return bench_.answer(Ordered{seen});
      case 9:
        bench_.restart();
        return {};
      default:
        if (!std::holds_alternative<Wait>(bench_.child().step)) return bench_.says(seen);
        bench_.now = std::max(bench_.now, std::get<Wait>(bench_.child().step).at);
        return bench_.post(TimePassed{kBoiler, bench_.child().step_number});
    }
  }

  /// The good way, step by step: what mere chance hardly ever finds.
  Output go_on() {
    const std::string step = bench_.step();
    if (step == "offer") return bench_.answer(OfferAnswer{});
    if (step == "backup") return bench_.answer(BackedUp{});
    if (step == "deliver") return bench_.answer(Delivered{});
    if (step == "activate") return bench_.answer(Ordered{dice(2) == 0 ? under_test() : after_revert()});
    if (step == "confirm") return bench_.answer(Ordered{after_confirm()});
    if (step == "revert") return bench_.answer(Ordered{after_revert()});
    if (step != "inspect") return live();
    const bool is_staged = bench_.child().update && bench_.update().phase == Phase::staged;
    return bench_.says(is_staged ? uploaded() : normal());
  }

  /// The vendor, and the clock.
  Output sign() {
    switch (dice(6)) {
      case 0: {
        Permit one = permit();
        one.id = to_hex(Bytes(16, static_cast<std::uint8_t>(dice(256))));
        one.from = dice(4) == 0 ? 6 + dice(5) : highest_floor(bench_.state);
        one.not_after = bench_.now + hours{dice(48)} - hours{12};
        if (dice(3) == 0) one.whom = Uuid{2};
        if (dice(5) == 0) one.whom = "pump";
        return bench_.post(PermitAccepted{one});
      }
      case 1: {
        Head next = head(dice(20));
        next.entries[0].minimum = 4 + dice(6);
        next.expires = bench_.now + hours{dice(100)};
        return bench_.post(HeadAccepted{next});
      }
      case 2:
        return bench_.post(TimeJudged{dice(3) > 0});
      case 3:
        return bench_.post(RolloutRequested{dice(2) == 0 ? kDeliverable : "d9", {kBoiler}, 0, dice(2) == 0});
      case 4:
        return bench_.post(RolloutClosed{dice(30), 0});
      default:
        return bench_.post(PolicyChanged{{dice(2) == 0, dice(2) == 0}});
    }
  }

 private:
  Bench bench_;
  std::mt19937 chance_;
};

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
        EXPECT_TRUE(rests_on(bench.child(), u.after)) << "seed " << seed;
      }
      if (u.phase == Phase::reverted && last_phase != Phase::reverted) {
        EXPECT_TRUE(rests_on(bench.child(), u.before)) << "seed " << seed;
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
    Deliverable newer = deliverable();
    newer.id = "d9";
    newer.sequence = 9;
    bench.post(DeliverableSealed{newer});
    bench.child().floors["boiler"] = 9;
    for (int i = 0; i < 300; ++i) {
      const State before = bench.state;
      const std::uint32_t lot = walk.dice(10);
      const Output out = lot == 0 ? walk.live() : lot < 3 ? walk.sign() : walk.go_on();
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
