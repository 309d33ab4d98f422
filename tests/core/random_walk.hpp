// SPDX-License-Identifier: Apache-2.0
// A bench that lives by chance: what the child, its link, the operator, the vendor and the clock may do, drawn from a
// seed. Used by the engine's invariants and by the catalogue's contract.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/table_parts.hpp"

namespace hg::core::table {

/// It runs the new image, and says that it confirmed it.
inline Inspection confirms_itself() {
  Inspection seen = after_confirm();
  seen.revert_class = RevertClass::self_reverting;
  return seen;
}

/// The highest sequence number that the boiler may not go below.
inline std::uint64_t highest_floor(const State& state) {
  const auto in = [](const Floors& floors) { return floors.contains("boiler") ? floors.at("boiler") : 0; };
  return std::max(in(state.floors), in(state.children.at(kBoiler).floors));
}

class Walk {
 public:
  /// A newer deliverable "d9" is there too.
  explicit Walk(std::uint32_t seed) : chance_(seed) {
    Deliverable newer = deliverable();
    newer.id = "d9";
    newer.sequence = 9;
    bench_.post(DeliverableSealed{newer});
    bench_.link(true);
  }

  Bench& bench() { return bench_; }
  std::uint32_t dice(std::uint32_t sides) { return static_cast<std::uint32_t>(chance_()) % sides; }

  /// The child, its link, the operator and the machine.
  Output live() {
    static const std::vector<Inspection> kSayings{
        normal(), uploaded(),     marked(),       under_test(),          after_confirm(), after_revert(),   only_new(),
        other(),  foreign_mark(), foreign_test(), silent_about_active(), in_recovery(),   confirms_itself()};
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
        return bench_.answer(BackedUp{dice(2) == 0 ? kOther : Digest{}});
      case 6:
        return dice(2) == 0 ? bench_.answer(Delivered{}) : bench_.answer(Restored{});
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
    if (step == "backup") return bench_.answer(BackedUp{kOther});
    if (step == "restore") return dice(2) == 0 ? bench_.answer(Restored{}) : bench_.fails(Errc::denied);
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
        one.not_after = bench_.now + std::chrono::hours{dice(48)} - std::chrono::hours{12};
        if (dice(3) == 0) one.whom = Uuid{2};
        if (dice(5) == 0) one.whom = "pump";
        return bench_.post(PermitAccepted{one});
      }
      case 1: {
        Head next = head(dice(20));
        next.entries[0].minimum = 4 + dice(6);
        next.expires = bench_.now + std::chrono::hours{dice(100)};
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

  /// Any of these, mostly the good way.
  Output step() {
    const std::uint32_t lot = dice(10);
    return lot == 0 ? live() : lot < 3 ? sign() : go_on();
  }

 private:
  Bench bench_;
  std::mt19937 chance_;
};

}  // namespace hg::core::table
