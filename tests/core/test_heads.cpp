// SPDX-License-Identifier: Apache-2.0
// Freshness: what heads, closed rollouts, key grants and the root leave behind, and which rollouts a head holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/table_child.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

constexpr hours kYear{24 * 365};

// ------------------------------------------------------------------------------------------------ may it be begun?

struct Row {
  const char* name;
  void (*prepare)(Bench&);
  const char* refusal;  ///< "": it begins
  const char* when_approved = "";
};

void listed(Bench& b) {
  b.post(HeadAccepted{head()});
}
void expired(Bench& b) {
  listed(b);
  b.now = head().expires;
}
void not_listed(Bench& b) {
  Head other = head();
  other.entries[0].manifest = "d0";
  b.post(HeadAccepted{other});
}
void warn_only(Bench& b) {
  b.post(PolicyChanged{{.require_head = false, .hold_when_expired = false}});
}
/// A second channel that lists something else of the product, and comes last.
void with_other_channel(Bench& b) {
  Head other = head();
  other.channel = "testing";
  other.entries[0].manifest = "d0";
  b.post(HeadAccepted{other});
}

class RolloutThat : public testing::TestWithParam<Row> {};

TEST_P(RolloutThat, BeginsOrNot) {
  for (const bool approved : {false, true}) {
    Bench bench;
    GetParam().prepare(bench);
    const State before = bench.state;
    const Output out = bench.post(RolloutRequested{kDeliverable, {kBoiler}, 1000, approved});
    const std::string refusal = approved ? GetParam().when_approved : GetParam().refusal;
    ASSERT_EQ(out.refusal.has_value(), !refusal.empty()) << (out.refusal ? out.refusal->message : "begun");
    if (!out.refusal) {
      EXPECT_EQ(bench.state.rollouts.at(out.rollout).approved, approved);
      continue;
    }
    EXPECT_EQ(out.refusal->code, Errc::denied);
    EXPECT_THAT(out.refusal->message, HasSubstr(refusal));
    EXPECT_TRUE(out.changes.empty());
    EXPECT_EQ(bench.state, before);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, RolloutThat,
    testing::Values(Row{"is_listed", listed, ""}, Row{"no_head_names", [](Bench&) {}, ""},
                    Row{"no_head_names_and_one_is_required",
                        [](Bench& b) { b.post(PolicyChanged{{.require_head = true, .hold_when_expired = true}}); },
                        "no channel lists product boiler"},
                    Row{"another_product_is_listed",
                        [](Bench& b) {
                          Head other = head();
                          other.entries[0].product = "pump";
                          b.post(HeadAccepted{other});
                        },
                        ""},
                    Row{"is_mix_and_match", not_listed,
                        "not what channel stable lists for product boiler: mix and match"},
                    Row{"is_mix_and_match_where_age_does_not_matter",
                        [](Bench& b) {
                          not_listed(b);
                          warn_only(b);
                        },
                        "mix and match"},
                    Row{"one_of_two_channels_lists",
                        [](Bench& b) {
                          listed(b);
                          with_other_channel(b);
                        },
                        ""},
                    Row{"an_expired_head_lists", expired,
                        "the head of channel stable expired at 2019-12-27T00:00:00Z; approve by name to go on"},
                    Row{"a_head_lists_for_one_more_millisecond",
                        [](Bench& b) {
                          expired(b);
                          b.now -= Duration{1};
                        },
                        ""},
                    Row{"an_expired_head_lists_and_that_only_warns",
                        [](Bench& b) {
                          expired(b);
                          warn_only(b);
                        },
                        ""},
                    Row{"a_fresh_head_lists_beside_an_expired_one",
                        [](Bench& b) {
                          expired(b);
                          Head fresh = head();
                          fresh.channel = "a-fresh-one";
                          fresh.expires += kYear;
                          b.post(HeadAccepted{fresh});
                        },
                        ""},
                    Row{"is_listed_while_the_time_is_not_known",
                        [](Bench& b) {
                          listed(b);
                          b.post(TimeJudged{false});
                        },
                        "the time is not known"},
                    Row{"is_listed_while_the_time_is_not_known_and_that_only_warns",
                        [](Bench& b) {
                          listed(b);
                          b.post(TimeJudged{false});
                          warn_only(b);
                        },
                        ""},
                    Row{"an_expired_head_lists_and_the_clock_was_set_back",
                        [](Bench& b) {
                          listed(b);
                          Head later = head();  // of another channel: the newest statement of the time
                          later.channel = "testing";
                          later.issued = head().expires;
                          later.entries.clear();
                          b.post(HeadAccepted{later});
                          b.now -= kYear;
                        },
                        "expired at"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Head, ExpiredOneNeverHoldsARepair) {
  Bench bench;
  bench.post(HeadAccepted{head()});
  bench.go_to(Phase::confirmed);
  bench.now += kYear;
  EXPECT_FALSE(bench.start().refusal) << "what the child has committed";
}

TEST(Head, ExpiredOneNeverStopsARunningUpdate) {
  for (const Phase phase : {Phase::preflight, Phase::offered, Phase::backing_up, Phase::transferring, Phase::staged,
                            Phase::activating, Phase::testing}) {
    Bench bench;
    bench.post(HeadAccepted{head()});
    bench.go_to(phase);
    bench.now += kYear;
    Head replaced = head(2);  // and what it lists is something else now
    replaced.entries[0].manifest = "d8";
    bench.post(HeadAccepted{replaced});
    bench.obey_to_the_end(phase);
    EXPECT_EQ(bench.phase(), "confirmed") << "from " << name_of(phase);
  }
}

TEST(Head, ExpiredOneStopsNeitherAWayBackNorTheNextAttempt) {
  Bench bench;
  bench.post(HeadAccepted{head()});
  bench.go_to(Phase::activating);
  bench.now += kYear;
  bench.answer(Ordered{after_revert()});
  EXPECT_EQ(bench.phase(), "reverted");
  bench.wait_out();
  bench.go_on_to(Phase::confirmed);
  EXPECT_EQ(bench.phase(), "confirmed");
}

// ----------------------------------------------------------------------------------------------------------- heads

TEST(Head, ANewerOneReplacesTheWholeOldOneOfItsChannelOnly) {
  Bench bench;
  bench.post(HeadAccepted{head(1)});
  Head other = head(9);
  other.channel = "testing";
  bench.post(HeadAccepted{other});
  Head newer = head(2);
  newer.entries.clear();
  const Output out = bench.post(HeadAccepted{newer});
  EXPECT_EQ(std::get<PutHead>(out.changes.at(0)).head, newer);
  EXPECT_EQ(bench.state.heads.at("stable"), newer);
  EXPECT_EQ(bench.state.heads.at("testing"), other);
}

TEST(Head, TheSameVersionAgainChangesNothing) {
  Bench bench;
  bench.post(HeadAccepted{head(2)});
  const State before = bench.state;
  Head again = head(2);
  again.expires += kYear;
  const Output out = bench.post(HeadAccepted{again});
  EXPECT_TRUE(out.changes.empty());
  EXPECT_FALSE(out.refusal);
  EXPECT_EQ(bench.state, before);
}

TEST(Head, AnOlderOneIsRefused) {
  Bench bench;
  bench.post(HeadAccepted{head(2)});
  const State before = bench.state;
  EXPECT_EQ(bench.post(HeadAccepted{head(1)}).refusal->code, Errc::mismatch);
  EXPECT_EQ(bench.state, before);
}

TEST(Head, ChannelsAreBounded) {
  Bench bench;
  Head one = head();
  for (std::size_t i = 0; i <= kMaxHeads; ++i) {
    one.channel = "channel " + std::to_string(i);
    EXPECT_EQ(bench.post(HeadAccepted{one}).refusal.has_value(), i == kMaxHeads) << i;
  }
  one.channel = "channel 0";
  one.version = 2;
  EXPECT_FALSE(bench.post(HeadAccepted{one}).refusal) << "those that are known go on";
}

// ---------------------------------------------------------------------------------------------------------- floors

Head with_minimum(std::uint64_t version, std::uint64_t minimum) {
  Head result = head(version);
  result.entries[0].minimum = minimum;
  return result;
}

TEST(GatewayFloor, IsRaisedByAHeadsMinimumAndNeverGoesDown) {
  Bench bench;
  const Output out = bench.post(HeadAccepted{with_minimum(1, 8)});
  EXPECT_EQ(bench.state.floors.at("boiler"), 8U);
  EXPECT_EQ(std::get<PutGatewayFloor>(out.changes.at(0)).sequence, 8U);
  for (const std::uint64_t lower : {3U, 0U, 8U}) {
    const Output later = bench.post(HeadAccepted{with_minimum(10 - lower, lower)});
    EXPECT_EQ(later.changes.size(), std::size_t{lower != 8}) << "the head alone, and nothing where it is older";
    EXPECT_EQ(bench.state.floors.at("boiler"), 8U);
  }
  bench.post(HeadAccepted{with_minimum(20, 9)});
  EXPECT_EQ(bench.state.floors.at("boiler"), 9U);
}

TEST(GatewayFloor, IsRaisedWhenARolloutIsClosed) {
  Bench bench;
  const RolloutId rollout = bench.start().rollout;
  const Output out = bench.post(RolloutClosed{rollout, 1000});
  EXPECT_EQ(std::get<PutGatewayFloor>(out.changes.at(0)).product, "boiler");
  EXPECT_EQ(bench.state.floors.at("boiler"), 7U);
  EXPECT_TRUE(bench.post(RolloutClosed{rollout, 1000}).changes.empty()) << "once more changes nothing";
  EXPECT_EQ(bench.post(RolloutClosed{99, 1000}).refusal->code, Errc::not_found);
}

TEST(GatewayFloor, ClosingALowerRolloutDoesNotLowerIt) {
  Bench bench;
  const RolloutId rollout = bench.start().rollout;
  bench.post(HeadAccepted{with_minimum(1, 8)});
  EXPECT_TRUE(bench.post(RolloutClosed{rollout, 1000}).changes.empty());
  EXPECT_EQ(bench.state.floors.at("boiler"), 8U);
}

TEST(GatewayFloor, HoldsForAChildThatHasConfirmedNothing) {
  Bench bench;
  bench.post(HeadAccepted{with_minimum(1, 8)});
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause.text, "sequence 7 is below 8, the floor of this gateway");
}

TEST(GatewayFloor, AnEqualSequenceIsARedelivery) {
  Bench bench;
  bench.post(HeadAccepted{with_minimum(1, 7)});
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "offered");
}

TEST(GatewayFloor, ProductsAreBoundedAndAHeadThatBringsTooManyIsRefusedWhole) {
  Bench bench;
  Head many = with_minimum(1, 1);
  for (std::size_t i = 1; i < kMaxGatewayFloors; ++i) many.entries.push_back({std::to_string(i), 1, "d", 1});
  EXPECT_FALSE(bench.post(HeadAccepted{many}).refusal);
  const State before = bench.state;
  Head more = with_minimum(2, 2);
  more.entries.push_back({"one more", 1, "d", 1});
  EXPECT_EQ(bench.post(HeadAccepted{more}).refusal->code, Errc::too_large);
  EXPECT_EQ(bench.state, before);
}

// ------------------------------------------------------------------------------------------------ grants and the root

Grant grant(std::uint32_t number, Instant not_after = kNow + kYear) {
  const Bytes digest{0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  return {*Digest::from_bytes(digest), not_after, {1, 2, 3}};
}

TEST(Grant, IsKeptByImageAndTheSameAgainChangesNothing) {
  Bench bench;
  EXPECT_EQ(bench.post(GrantAccepted{grant(1)}).changes.size(), 1U);
  EXPECT_TRUE(bench.post(GrantAccepted{grant(1)}).changes.empty());
  Grant other = grant(1);
  other.record = {4};
  EXPECT_EQ(bench.post(GrantAccepted{other}).changes.size(), 1U);
  EXPECT_EQ(bench.state.grants.at(other.image), other);
  EXPECT_EQ(bench.state.grants.size(), 1U);
}

TEST(Grant, TheyAreBounded) {
  Bench bench;
  for (std::uint32_t i = 0; i < kMaxGrants; ++i) bench.post(GrantAccepted{grant(i, kNow + hours{i + 1})});
  const Grant one_more = grant(kMaxGrants);
  EXPECT_EQ(bench.post(GrantAccepted{one_more}).refusal->code, Errc::too_large);
  EXPECT_FALSE(bench.post(GrantAccepted{grant(5)}).refusal) << "one that is known is replaced";
  bench.now += hours{2};
  const Output out = bench.post(GrantAccepted{one_more});
  EXPECT_EQ(std::get<DropGrant>(out.changes.at(0)).image, grant(0).image);
  EXPECT_EQ(bench.state.grants.size(), kMaxGrants);
}

TEST(Root, OnlyANewerOneIsTaken) {
  Bench bench;
  EXPECT_EQ(bench.post(RootAccepted{{3, {1}}}).changes.size(), 1U);
  EXPECT_TRUE(bench.post(RootAccepted{{3, {2}}}).changes.empty());
  EXPECT_EQ(bench.post(RootAccepted{{2, {2}}}).refusal->code, Errc::mismatch);
  EXPECT_EQ(bench.state.root, (TrustRoot{3, {1}}));
}

TEST(Policy, IsOfThisRunOnly) {
  Bench bench;
  const Output out = bench.post(PolicyChanged{{.require_head = true, .hold_when_expired = false}});
  EXPECT_TRUE(out.changes.empty());
  EXPECT_TRUE(bench.state.policy.require_head);
}

}  // namespace
}  // namespace hg::core::table
