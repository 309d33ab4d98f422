// SPDX-License-Identifier: Apache-2.0
// Going back: below the floor of a child or of the gateway only under a permit, once for each child.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/table_child.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

/// The child has confirmed sequence 9; the deliverable is 7.
class Bench9 : public Bench {
 public:
  Bench9() { child().floors["boiler"] = 9; }
  void add(const Permit& one) { EXPECT_FALSE(post(PermitAccepted{one}).refusal); }
  void ask_for_a_rollout() {
    link(true);
    says(normal());
    start();
    says(normal());
  }
  /// The update goes back, is aborted under test, and ends: the permit is used up by it.
  void use_up() {
    go_to_reverting();
    says(after_revert());
    ASSERT_TRUE(is_over(update()));
  }
  [[nodiscard]] std::size_t lines_that_name(const std::string& what) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        history, [&](const PutHistory& line) { return line.cause.text.find(what) != std::string::npos; }));
  }
};

TEST(Permit, LetsAChildGoBackAndItsFloorStays) {
  Bench9 bench;
  bench.add(permit());
  bench.go_to(Phase::confirmed);
  EXPECT_EQ(bench.phase(), "confirmed");
  EXPECT_EQ(bench.update().permit, kPermit);
  EXPECT_EQ(bench.child().floors.at("boiler"), 9U) << "a floor never goes down";
}

TEST(Permit, IsUsedUpWhenActivateIsDecidedAndNotBefore) {
  Bench9 bench;
  bench.add(permit());
  bench.go_to(Phase::staged);
  EXPECT_TRUE(bench.state.permits.at(kPermit).uses.empty());
  const Output out = bench.says(uploaded());
  ASSERT_EQ(bench.phase(), "activating");
  EXPECT_EQ(bench.state.permits.at(kPermit).uses.at(kBoiler), bench.update().epoch);
  const auto is_put = [&](const Change& change) {
    const auto* put = std::get_if<PutPermit>(&change);
    return put != nullptr && put->permit == bench.state.permits.at(kPermit);
  };
  EXPECT_TRUE(std::ranges::any_of(out.changes, is_put)) << "in the transaction of the decision";
  EXPECT_EQ(bench.lines_that_name(kPermit), 1U);
}

TEST(Permit, IsUsedUpByATestThatSomebodyElseHasBegun) {
  Bench9 bench;
  bench.add(permit());
  bench.go_to(Phase::preflight);
  bench.says(under_test());
  ASSERT_EQ(bench.phase(), "testing");
  EXPECT_TRUE(bench.state.permits.at(kPermit).uses.contains(kBoiler));
}

TEST(Permit, IsNotUsedByWhatIsNotBelowTheFloor) {
  Bench bench;
  bench.child().floors["boiler"] = 7;
  bench.post(PermitAccepted{permit()});
  bench.go_to(Phase::confirmed);
  EXPECT_TRUE(bench.update().permit.empty());
  EXPECT_TRUE(bench.state.permits.at(kPermit).uses.empty());
}

struct Row {
  const char* name;
  void (*spoil)(Bench9&, Permit&);
  Phase phase;
  Reason reason;
  const char* text;
};

class PermitThat : public testing::TestWithParam<Row> {};

TEST_P(PermitThat, DoesNotLetItGoBack) {
  Bench9 bench;
  Permit spoiled = permit();
  GetParam().spoil(bench, spoiled);
  bench.add(spoiled);
  bench.ask_for_a_rollout();
  EXPECT_EQ(bench.phase(), name_of(GetParam().phase));
  EXPECT_EQ(name_of(bench.update().cause.reason), name_of(GetParam().reason));
  EXPECT_THAT(bench.update().cause.text, HasSubstr(GetParam().text));
  EXPECT_TRUE(bench.update().permit.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, PermitThat,
    testing::Values(
        Row{"is_for_another_child", [](Bench9&, Permit& p) { p.whom = "pump"; }, Phase::refused,
            Reason::permit_not_for_child, "another child"},
        Row{"is_for_another_class", [](Bench9&, Permit& p) { p.whom = Uuid{3}; }, Phase::refused,
            Reason::permit_not_for_child, "another child or class"},
        Row{"has_expired", [](Bench9&, Permit& p) { p.not_after = kNow - Duration{1}; }, Phase::refused,
            Reason::permit_expired, "expired at 2019-12-19T23:59:59Z"},
        Row{"expires_while_the_time_is_not_known", [](Bench9& b, Permit&) { b.post(TimeJudged{false}); },
            Phase::deferred, Reason::time_unknown, "the time is not known"},
        Row{"is_for_another_product", [](Bench9&, Permit& p) { p.product = "pump"; }, Phase::refused, Reason::not_newer,
            "sequence 7 is below 9, which this child has confirmed"},
        Row{"begins_elsewhere", [](Bench9&, Permit& p) { p.from = 8; }, Phase::refused, Reason::not_newer, "below 9"},
        Row{"ends_elsewhere", [](Bench9&, Permit& p) { p.to = 6; }, Phase::refused, Reason::not_newer, "below 9"},
        Row{"lacks_two_things",
            [](Bench9&, Permit& p) {
              p.whom = "pump";
              p.not_after = kNow - hours{1};
            },
            Phase::refused, Reason::not_newer, "below 9"},
        Row{"ends_at_the_childs_floor_but_the_gateways_is_higher",
            [](Bench9& b, Permit&) { b.state.floors["boiler"] = 10; }, Phase::refused, Reason::not_newer,
            "sequence 7 is below 10, the floor of this gateway"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Permit, WithoutOneTheFloorHolds) {
  Bench9 bench;
  bench.ask_for_a_rollout();
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause.reason, Reason::not_newer);
}

TEST(Permit, IsGoodToItsLastMillisecond) {
  Bench9 bench;
  Permit last = permit();
  last.not_after = kNow;
  bench.add(last);
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "offered");
}

TEST(Permit, FromTheGatewaysFloorIsNeededWhereThatIsWhatStopsIt) {
  Bench bench;
  bench.state.floors["boiler"] = 9;
  bench.post(PermitAccepted{permit()});
  bench.go_to(Phase::confirmed);
  EXPECT_EQ(bench.phase(), "confirmed");
  EXPECT_EQ(bench.state.floors.at("boiler"), 9U);
}

TEST(Permit, HasOneUsePerChild) {
  Bench9 bench;
  bench.add(permit());
  bench.use_up();
  const Epoch first = bench.state.permits.at(kPermit).uses.at(kBoiler);
  bench.ask_for_a_rollout();
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause.reason, Reason::permit_used);
  EXPECT_THAT(bench.update().cause.text, HasSubstr("in update " + std::to_string(first)));
}

TEST(Permit, HasOneUsePerChildAlsoAfterTheChildWentForwardAgain) {
  Bench9 bench;
  bench.add(permit());
  bench.go_to(Phase::confirmed);
  Deliverable newer = deliverable();
  newer.id = "d9";
  newer.sequence = 9;
  newer.images[0].running_digest = kOld;
  bench.post(DeliverableSealed{newer});
  bench.post(RolloutRequested{"d9", {kBoiler}, 0});
  bench.says(normal());
  ASSERT_EQ(bench.phase(), "confirmed");
  bench.ask_for_a_rollout();
  EXPECT_EQ(bench.update().cause.reason, Reason::permit_used);
}

TEST(Permit, OfAClassIsForEachOfItsChildrenOnce) {
  Bench9 bench;
  Permit of_class = permit();
  of_class.whom = Uuid{2};
  bench.add(of_class);
  bench.use_up();
  Enrollment twin = enrollment();
  twin.id = "twin";
  bench.post(ChildEnrolled{twin});
  bench.post(LinkChanged{"twin", true, ""});
  Child& child = bench.state.children.at("twin");
  child.floors["boiler"] = 9;
  bench.start({"twin"});
  for (const StepAnswer& answer : std::vector<StepAnswer>{normal(), OfferAnswer{}, BackedUp{}, Delivered{}, uploaded()})
    bench.post(StepEnded{"twin", child.step_number, answer});
  EXPECT_EQ(name_of(child.update->phase), "activating");
  EXPECT_EQ(bench.state.permits.at(kPermit).uses.size(), 2U);
}

TEST(Permit, ASecondOneIsTakenWhenTheFirstIsUsedUp) {
  Bench9 bench;
  bench.add(permit());
  bench.use_up();
  Permit second = permit();
  second.id = std::string(32, '8');
  bench.add(second);
  bench.go_to(Phase::activating);
  EXPECT_EQ(bench.phase(), "activating");
  EXPECT_EQ(bench.update().permit, second.id);
}

TEST(Permit, IsGoodForTheRetriesOfOneUpdate) {
  Bench9 bench;
  bench.add(permit());
  bench.go_to(Phase::activating);
  const Epoch epoch = bench.update().epoch;
  Permit another = permit();
  another.id = std::string(32, '1');  // comes before it, and is not touched
  bench.add(another);
  for (int attempt = 0; attempt < 3; ++attempt) {
    bench.answer(Ordered{after_revert()});
    ASSERT_EQ(bench.phase(), "reverted");
    bench.wait_out();
    bench.go_on_to(Phase::activating);
    ASSERT_EQ(bench.phase(), "activating") << attempt << ": " << bench.update().cause.text;
  }
  EXPECT_EQ(bench.update().epoch, epoch);
  EXPECT_EQ(bench.update().permit, kPermit);
  EXPECT_EQ(bench.lines_that_name(kPermit), 1U) << "used up once";
  EXPECT_TRUE(bench.state.permits.at(another.id).uses.empty());
}

TEST(Permit, CannotBeReplayed) {
  Bench9 bench;
  bench.add(permit());
  EXPECT_EQ(bench.post(PermitAccepted{permit()}).refusal->code, Errc::exists);
  bench.use_up();
  bench.restart();
  const State before = bench.state;
  const Output out = bench.post(PermitAccepted{permit()});
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->code, Errc::exists);
  EXPECT_EQ(out.refusal->message, "permit " + kPermit + " is known already");
  EXPECT_TRUE(out.changes.empty());
  EXPECT_EQ(bench.state, before) << "its uses are remembered";
}

TEST(Permit, ComesUnused) {
  Bench bench;
  Permit forged = permit();
  forged.uses = {{kBoiler, 1}};
  bench.post(PermitAccepted{forged});
  EXPECT_TRUE(bench.state.permits.at(kPermit).uses.empty());
}

TEST(Permit, WithoutAProperIdIsRefused) {
  Bench bench;
  for (const std::string id : {"", "7", "7777777777777777777777777777777G", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    Permit bad = permit();
    bad.id = id;
    EXPECT_EQ(bench.post(PermitAccepted{bad}).refusal->code, Errc::invalid) << id;
  }
}

// ------------------------------------------------------------------------------ what changes while it is under way

TEST(PermitUnderWay, ExpiresBeforeActivate) {
  Bench9 bench;
  bench.add(permit());
  bench.go_to(Phase::staged);
  bench.now = permit().not_after + Duration{1};
  bench.says(uploaded());
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause.reason, Reason::permit_expired);
  EXPECT_TRUE(bench.state.permits.at(kPermit).uses.empty());
}

TEST(PermitUnderWay, ExpiresAfterActivateAndTheUpdateGoesOn) {
  Bench9 bench;
  bench.add(permit());
  bench.go_to(Phase::activating);
  bench.now = permit().not_after + hours{1};
  bench.answer(Ordered{under_test()});
  bench.answer(Ordered{after_confirm()});
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(PermitUnderWay, AFloorThatRisesBeforeActivateIsKept) {
  Bench bench;
  bench.go_to(Phase::staged);
  Head raised = head();
  raised.entries[0].minimum = 8;
  bench.post(HeadAccepted{raised});
  bench.says(uploaded());
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause.reason, Reason::not_newer);
}

TEST(PermitUnderWay, AClockThatIsLostPutsItOffUntilTheTimeIsKnown) {
  Bench9 bench;
  bench.add(permit());
  bench.go_to(Phase::staged);
  bench.post(TimeJudged{false});
  bench.says(uploaded());
  ASSERT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.update().attempts, 0U) << "no failure of the child";
  bench.post(TimeJudged{true});
  ASSERT_EQ(bench.step(), "wait");
  EXPECT_LE(std::get<Wait>(bench.child().step).at, bench.now);
  bench.wait_out();
  bench.go_on_to(Phase::confirmed);
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(PermitUnderWay, WhileTheTimeIsNotKnownItLooksAgainNowAndThen) {
  Bench9 bench;
  bench.add(permit());
  bench.post(TimeJudged{false});
  bench.ask_for_a_rollout();
  for (int look = 0; look < 20; ++look) {
    ASSERT_EQ(bench.phase(), "deferred");
    bench.wait_out();
    ASSERT_EQ(bench.phase(), "preflight");
    bench.says(normal());
  }
  EXPECT_EQ(bench.update().attempts, 0U);
}

// -------------------------------------------------------------------------------------------------------- committed

TEST(Committed, StaysAllowedBelowTheFloor) {
  Bench9 bench;
  bench.add(permit());
  bench.go_to(Phase::confirmed);
  bench.start();
  bench.says(normal());  // the board was replaced by one with another image
  EXPECT_EQ(bench.phase(), "offered") << bench.update().cause.text;
  EXPECT_TRUE(bench.update().permit.empty());
}

TEST(Committed, IsTheLastOneOnly) {
  Bench9 bench;
  bench.child().committed = "d8";
  bench.ask_for_a_rollout();
  EXPECT_EQ(bench.phase(), "refused");
}

// ---------------------------------------------------------------------------------------------------------- bounded

Permit numbered(std::size_t number, Instant not_after) {
  Permit result = permit();
  const std::string digits = std::to_string(number);
  result.id.replace(0, digits.size(), digits).replace(digits.size(), 1, "f");
  result.not_after = not_after;
  return result;
}

TEST(Permits, AreBounded) {
  Bench bench;
  for (std::size_t i = 0; i < kMaxPermits; ++i) bench.post(PermitAccepted{numbered(i, kNow + hours{i + 1})});
  ASSERT_EQ(bench.state.permits.size(), kMaxPermits);
  const Permit one_more = numbered(kMaxPermits, kNow + hours{1});
  EXPECT_EQ(bench.post(PermitAccepted{one_more}).refusal->code, Errc::too_large) << "none has expired";
  bench.now += hours{3};
  bench.post(TimeJudged{false});
  EXPECT_EQ(bench.post(PermitAccepted{one_more}).refusal->code, Errc::too_large) << "nobody knows what has expired";
  bench.post(TimeJudged{true});
  const Output out = bench.post(PermitAccepted{one_more});
  EXPECT_FALSE(out.refusal);
  EXPECT_EQ(std::get<DropPermit>(out.changes.front()).permit, numbered(0, {}).id) << "the one that expired first";
  EXPECT_EQ(bench.state.permits.size(), kMaxPermits);
}

}  // namespace
}  // namespace hg::core::table
