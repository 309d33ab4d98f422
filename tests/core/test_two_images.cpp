// SPDX-License-Identifier: Apache-2.0
// Random walks over children of two images that do what MCUboot does, and what it does not: swaps that take one image
// and refuse the other, recovery, children that confirm themselves, backups. What must hold at every step, and that
// every update comes to rest once the faults have stopped.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "core/table_parts.hpp"

namespace hg::core::table {
namespace {

/// Two images, each with a slot beside it (smp.md 4.7). It believes no order: it looks again, as a plugin does.
class Device {
 public:
  [[nodiscard]] Inspection says() const {
    Inspection seen;
    seen.revert_class = is_in_recovery ? RevertClass::unstageable : RevertClass::self_reverting;
    seen.staging = is_in_recovery ? Staging::in_place : Staging::aside;
    for (std::uint8_t n = 0; n < 2; ++n) {
      const Image& one = images[n];
      seen.slots.push_back(listed(n, 0, one.first, is_in_recovery ? "" : one.is_confirmed ? "ac" : "a"));
      if (one.second.empty()) continue;
      const bool is_fallback = !one.is_confirmed && !is_in_recovery;
      seen.slots.push_back(listed(n, 1, one.second, one.is_marked ? "p" : is_fallback ? "c" : ""));
    }
    return seen;
  }

  void stage(const Deliver& deliver) {
    Image& one = images[deliver.image_number];
    if (!is_in_recovery) {
      if (one.is_marked || !one.is_confirmed) return;  // smp.md 4.3: no free slot
      one.second = deliver.after;
      return;
    }
    one.first = deliver.after;
    one.is_broken = false;
    one.is_confirmed = true;
  }

  void reset() {
    for (Image& one : images) {
      if (one.is_marked && one.refuses) {
        one.second = {};
      } else if (one.is_marked || !one.is_confirmed) {
        std::swap(one.first, one.second);
        one.is_confirmed = !one.is_marked || confirms_itself;
      }
      one.is_marked = false;
    }
    is_in_recovery = images[0].is_broken || images[1].is_broken || std::exchange(is_held, false);
  }

  StepAnswer activate(const Activate& order) {
    for (const Move& move : order.moves) {
      const Digest runs = active(move.image);
      if (runs != move.goal && runs != move.active) return GuardFailed{says()};
    }
    for (const Move& move : order.moves) {
      Image& one = images[move.image];
      if (is_in_recovery || active(move.image) == move.goal) continue;
      if (one.second != move.goal || !one.is_confirmed) return StepFailed{{Errc::denied, "no such image"}};
      one.is_marked = true;
    }
    reset();
    return Ordered{says()};
  }

  StepAnswer revert(const Revert& order) {
    for (const Move& move : order.moves)
      if (active(move.image) != move.active) return GuardFailed{says()};
    for (const Move& move : order.moves) {
      Image& one = images[move.image];
      const bool can_mark = !is_in_recovery && one.is_confirmed && one.first != move.goal && one.second == move.goal;
      if (can_mark) one.is_marked = true;
    }
    reset();
    bool is_back = true;
    for (const Move& move : order.moves) is_back = is_back && active(move.image) == move.goal;
    if (is_back) confirm();
    return Ordered{says()};
  }

  void confirm() {
    for (Image& one : images) one.is_confirmed = one.is_confirmed || !is_in_recovery;
  }
  [[nodiscard]] Digest active(std::uint8_t image) const { return is_in_recovery ? Digest{} : images.at(image).first; }

  struct Image {
    Digest first;
    Digest second{};
    bool is_confirmed = true;
    bool is_marked = false;
    bool is_broken = false;
    bool refuses = false;  ///< its bootloader does
  };
  std::array<Image, 2> images{Image{kOld}, Image{kRadioOld}};
  bool is_in_recovery = false;
  bool is_held = false;  ///< in recovery at its next reset
  bool confirms_itself = false;

 private:
  static Slot listed(std::uint8_t image, std::uint8_t number, const Digest& digest, std::string_view flags) {
    Slot result = slot(number, digest, flags);
    result.image = image;
    return result;
  }
};

class Life {
 public:
  explicit Life(std::uint32_t seed) : chance_(seed) {
    bench.child().enrollment.restore = static_cast<RestorePolicy>(dice(4));
    device.confirms_itself = dice(8) == 0;
    bench.link(true);
    bench.start();
  }

  std::uint32_t dice(std::uint32_t sides) { return static_cast<std::uint32_t>(chance_()) % sides; }

  void strike() {
    switch (dice(10)) {
      case 0:
        device.images[dice(2)].refuses = dice(2) == 0;
        break;
      case 1:
        device.is_held = true;
        break;
      case 2:
        device.images[dice(2)].is_broken = dice(2) == 0;
        break;
      case 3:
        device.reset();
        break;  // it loses its power
      case 4:
        bench.restart();
        break;
      case 5:
        bench.link(false);
        bench.link(true);
        break;
      case 6:
        bench.fails(Errc::timed_out);
        break;
      case 7:
        if (dice(4) == 0) bench.post(UpdateAborted{bench.update().epoch});
        break;
      case 8:
        if (dice(4) == 0) bench.start();
        break;
      default:
        obey(true);  // carried out, and nobody hears of it
    }
  }

  /// The child does what it is told.
  void obey(bool is_answer_lost = false) {
    const Step step = bench.child().step;
    if (std::holds_alternative<Wait>(step)) return bench.wait_out();
    if (std::holds_alternative<Idle>(step)) return bench.link(true);
    StepAnswer answer = device.says();
    if (std::holds_alternative<Offer>(step)) answer = OfferAnswer{};
    if (std::holds_alternative<Backup>(step)) answer = BackedUp{digest_of('s')};
    if (std::holds_alternative<Restore>(step)) answer = restore();
    if (const auto* deliver = std::get_if<Deliver>(&step)) device.stage(*deliver), answer = Delivered{};
    if (const auto* order = std::get_if<Activate>(&step)) answer = device.activate(*order);
    if (const auto* order = std::get_if<Revert>(&step)) answer = device.revert(*order);
    if (std::holds_alternative<Confirm>(step)) device.confirm(), answer = Ordered{device.says()};
    if (is_answer_lost)
      bench.fails(Errc::timed_out);
    else
      bench.answer(std::move(answer));
  }

  StepAnswer restore() {
    ++restores;
    if (dice(3) == 0) return StepFailed{{Errc::denied, "not now"}};
    return Restored{};
  }

  void heal() {
    for (Device::Image& image : device.images) image.refuses = false;
    bench.link(true);
  }

  Bench2 bench;
  Device device;
  unsigned restores = 0;

 private:
  std::mt19937 chance_;
};

/// What is remembered of the child's images says one and the same of both.
testing::AssertionResult rests_as_one(const Child& child) {
  const Update& u = *child.update;
  if (u.phase == Phase::confirmed && !rests_on_new(*child.seen, u.parts))
    return testing::AssertionFailure() << "confirmed, but runs " << describe(*child.seen, u.parts);
  if (u.phase == Phase::reverted && !rests_on_old(*child.seen, u.parts))
    return testing::AssertionFailure() << "reverted, but runs " << describe(*child.seen, u.parts);
  if ((u.phase == Phase::deferred || u.phase == Phase::resting) && u.decision != Decision::none)
    return testing::AssertionFailure() << "a decision stands in an attempt that is over";
  return testing::AssertionSuccess();
}

testing::AssertionResult is_decided_before(const Child& child) {
  const Update& u = *child.update;
  if (std::holds_alternative<Activate>(child.step) && u.decision != Decision::activate &&
      u.decision != Decision::commit)
    return testing::AssertionFailure() << "Activate without ACTIVATE";
  if (std::holds_alternative<Confirm>(child.step) && u.decision != Decision::commit)
    return testing::AssertionFailure() << "Confirm without COMMIT";
  const bool has_brought_something =
      u.decision != Decision::none || u.phase == Phase::transferring || u.phase == Phase::staged;
  const bool is_at_rest = u.phase == Phase::confirmed || u.phase == Phase::reverted;
  if (std::holds_alternative<Restore>(child.step) && has_brought_something && !is_at_rest)
    return testing::AssertionFailure() << "Restore in " << name_of(u.phase);
  return testing::AssertionSuccess();
}

struct Ends {
  unsigned confirmed = 0;
  unsigned reverted = 0;
  unsigned split = 0;
  unsigned mixed = 0;     ///< how often one image was taken and the other refused
  unsigned rescued = 0;   ///< how often a rescue was begun
  unsigned restored = 0;  ///< how often a configuration was written back
  unsigned weakened = 0;  ///< how many children were seen to confirm themselves
};

/// Lives through faults, then to the end. Checked at every step.
void live(std::uint32_t seed, Ends& ends) {
  Life life(seed);
  Bench2& bench = life.bench;
  std::vector<Decision> decisions;
  for (int i = 0; i < 400; ++i) {
    const Phase phase = bench.update().phase;
    const Epoch epoch = bench.update().epoch;
    const Decision decision = bench.update().decision;
    if (i < 150 && life.dice(6) == 0)
      life.strike();
    else
      life.obey();
    if (i == 150) life.heal();
    const Update& u = bench.update();
    // A phase that was entered by the child's own word is true of what it said.
    if (u.phase != phase && !bench.child().in_doubt) {
      ASSERT_TRUE(rests_as_one(bench.child())) << "seed " << seed << " event " << i;
    }
    ASSERT_TRUE(is_decided_before(bench.child())) << "seed " << seed << " event " << i;
    if (u.epoch == epoch && decision == Decision::commit && phase != Phase::confirmed) {
      ASSERT_EQ(u.decision, Decision::commit) << "seed " << seed << " event " << i << " from " << name_of(phase);
    }
    if (u.epoch == epoch && decision == Decision::back && u.decision != Decision::back) {
      ASSERT_EQ(phase, Phase::reverted) << "only another attempt begins anew, seed " << seed << " event " << i;
    }
    if (bench.child().seen && standing_of(*bench.child().seen, u.parts) == Standing::mixed && !u.parts.empty())
      ++ends.mixed;
    if (u.phase == Phase::transferring && u.cause.reason == Reason::in_recovery) ++ends.rescued;
  }
  const Phase end = bench.update().phase;
  ASSERT_TRUE(is_over(bench.update())) << "seed " << seed << ": " << name_of(end) << ", " << bench.step();
  if (end == Phase::confirmed) {  // which is looked at again and again; what befalls a child later is no update's
    ASSERT_TRUE(rests_as_one(bench.child())) << "seed " << seed;
  }
  ends.confirmed += end == Phase::confirmed ? 1 : 0;
  ends.reverted += end == Phase::reverted ? 1 : 0;
  ends.split += end == Phase::split ? 1 : 0;
  if (end == Phase::split) {  // which somebody who asks for another rollout has decided to leave
    bench.start();
    for (int i = 0; i < 100 && !is_over(bench.update()); ++i) life.obey();
    ASSERT_EQ(bench.phase(), "confirmed") << "seed " << seed << ": " << bench.update().cause.text;
  }
  ends.restored += life.restores;
  ends.weakened += bench.child().confirms_itself ? 1 : 0;
}

TEST(TwoImages, NeverRestMixedUnlessSplitAndAlwaysComeToRest) {
  Ends ends;
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    live(seed, ends);
    if (testing::Test::HasFatalFailure()) return;
  }
  std::cout << ends.confirmed << " confirmed, " << ends.reverted << " reverted, " << ends.split << " split; "
            << ends.mixed << " mixed, " << ends.rescued << " rescued, " << ends.restored << " restored, "
            << ends.weakened << " confirm themselves\n";
  EXPECT_GT(ends.confirmed, 100U);
  EXPECT_GT(ends.split, 20U);
  EXPECT_GT(ends.mixed, 100U) << "the walk hardly ever saw one taken and one refused: it proves nothing";
  EXPECT_GT(ends.rescued, 100U);
  EXPECT_GT(ends.restored, 100U);
  EXPECT_GT(ends.weakened, 20U);
}

}  // namespace
}  // namespace hg::core::table
