// SPDX-License-Identifier: Apache-2.0
// What holds whatever becomes of keys, grants and links in whatever order: random walks of a child whose images are
// wrapped for it and which identifies itself.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

#include "core/table_keys.hpp"

namespace hg::core::table {
namespace {

class KeyWalk {
 public:
  explicit KeyWalk(std::uint32_t seed) : chance_(seed) {
    bench_.post(ChildKeySet{kBoiler, child_key(KeyUse::identify, KeyKind::p256, 'i')});
    bench_.link(true);
    bench_.start();
  }

  KeyBench& bench() { return bench_; }

  void step() { dice(4) == 0 ? disturb() : go_on(); }

 private:
  std::uint32_t dice(std::uint32_t sides) { return static_cast<std::uint32_t>(chance_()) % sides; }
  char letter() { return static_cast<char>('1' + dice(3)); }

  void disturb() {
    switch (dice(9)) {
      case 0:
        bench_.post(ChildKeySet{kBoiler, child_key(KeyUse::wrap, KeyKind::p256, letter())});
        return;
      case 1:
        bench_.post(ChildKeySet{kBoiler, child_key(KeyUse::identify, KeyKind::p256, letter())});
        return;
      case 2:
        bench_.post(ChildKeyRevoked{kBoiler, KeyUse::wrap, 0});
        return;
      case 3: {
        ContentKey key = content_key();
        if (dice(2) == 0) key.not_after = bench_.now + std::chrono::minutes{dice(120)};
        bench_.post(DeliverableSealed{encrypted_deliverable(), {key}});
        return;
      }
      case 4:
        if (dice(4) == 0) bench_.post(StoreKeyReplaced{});
        return;
      case 5:
        bench_.link(dice(3) > 0);
        return;
      case 6:
        bench_.restart();
        return;
      case 7:
        bench_.now += std::chrono::minutes{dice(60)};
        bench_.post(TimeJudged{dice(4) > 0});
        return;
      default:
        bench_.fails(dice(2) == 0 ? Errc::timed_out : Errc::unauthenticated);
    }
  }

  void go_on() {
    const std::string step = bench_.step();
    if (!bench_.child().online) return bench_.link(true);
    if (!bench_.child().update || is_over(bench_.update())) bench_.start();
    if (step == "identify") bench_.answer(Proven{"boiler"});
    if (step == "offer") bench_.answer(OfferAnswer{});
    if (step == "backup") bench_.answer(BackedUp{});
    if (step == "prepare") bench_.prepares(letter_of(std::get<Prepare>(bench_.child().step).child_key));
    if (step == "deliver") bench_.answer(Delivered{}), truth_ = uploaded();
    if (step == "activate") truth_ = under_test(), bench_.answer(Ordered{truth_});
    if (step == "confirm") bench_.answer(Ordered{after_confirm()}), truth_ = normal();
    if (step == "revert") truth_ = normal(), bench_.answer(Ordered{truth_});
    if (step == "inspect") bench_.says(truth_);
    if (step == "wait") bench_.wait_out();
  }
  static char letter_of(const ChildKey& key) {
    for (const char c : {'1', '2', '3'})
      if (key.id == digest_of(c)) return c;
    return '?';
  }

  KeyBench bench_;
  Inspection truth_ = normal();
  std::mt19937 chance_;
};

/// Nothing of the image leaves but under a view for the present key; nothing at all to somebody unknown.
void check(KeyBench& bench, bool is_new_step, const std::string& where) {
  const Child& child = bench.child();
  const auto* deliver = std::get_if<Deliver>(&child.step);
  const bool is_for_child_only =
      deliver != nullptr || std::holds_alternative<Offer>(child.step) || std::holds_alternative<Confirm>(child.step);
  if (is_for_child_only) {
    ASSERT_EQ(child.identified, Identified::yes) << where;
  }
  if (const auto* prepare = std::get_if<Prepare>(&child.step); is_new_step && prepare != nullptr) {
    ASSERT_EQ(judge_grant(bench.state, prepare->content_key, bench.now).reason, Reason::none) << where;
  }
  if (deliver == nullptr) return;
  ASSERT_EQ(protected_by(bench.state, child, bench.state.deliverables.at(kDeliverable).images.front()).cause.reason,
            Reason::none)
      << where;
  ASSERT_TRUE(deliver->view) << where;
  ASSERT_EQ(deliver->view->key, child.keys.at(KeyUse::wrap).id) << where;
  ASSERT_EQ(bench.update().views.at(kBlob), *deliver->view) << "not what is committed, " << where;
}

TEST(KeyWalk, NothingLeavesUnprotectedOrForSomebodyUnknown) {
  std::size_t deliveries = 0, confirmed = 0;
  std::map<Reason, std::size_t> reasons;
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    KeyWalk walk(seed);
    KeyBench& bench = walk.bench();
    StepNumber last = 0;
    for (int i = 0; i < 200; ++i) {
      walk.step();
      const bool is_new_step = std::exchange(last, bench.child().step_number) != bench.child().step_number;
      const std::string where = "seed " + std::to_string(seed) + " event " + std::to_string(i);
      ASSERT_NO_FATAL_FAILURE(check(bench, is_new_step, where));
      deliveries += std::holds_alternative<Deliver>(bench.child().step) && is_new_step ? 1 : 0;
    }
    for (const PutHistory& line : bench.history) {
      ++reasons[line.cause.reason];
      confirmed += line.phase == Phase::confirmed ? 1 : 0;
    }
  }
  EXPECT_GT(deliveries, 1000U) << "the walk hardly ever sends: it proves nothing";
  EXPECT_GT(confirmed, 100U);
  for (const Reason reason : {Reason::key_changed, Reason::no_child_key, Reason::content_key_unknown,
                              Reason::grant_expired, Reason::wrong_identity, Reason::not_identified})
    EXPECT_GT(reasons[reason], 0U) << name_of(reason);
}

}  // namespace
}  // namespace hg::core::table
