// SPDX-License-Identifier: Apache-2.0
// What an operator declares to have come from the factory is taken for committed by those that run it, and by no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/table_parts.hpp"

namespace hg::core::table {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint32_t kOperator = 1000;

struct Row {
  const char* name;
  Inspection seen;
  bool is_recorded = false;
};

class BaselineOfOne : public testing::TestWithParam<Row> {};

TEST_P(BaselineOfOne, IsRecordedOfWhomeverRestsOnIt) {
  Bench bench;
  bench.link(true);
  bench.says(GetParam().seen);
  const Output out = bench.post(BaselineDeclared{kDeliverable, kOperator});
  EXPECT_EQ(bench.child().committed, GetParam().is_recorded ? kDeliverable : "");
  EXPECT_EQ(bench.child().floors.contains("boiler"), GetParam().is_recorded);
  EXPECT_EQ(out.refusal.has_value(), !GetParam().is_recorded);
  EXPECT_THAT(out.changes, SizeIs(GetParam().is_recorded ? 2 : 0));
  EXPECT_THAT(out.actions, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Table, BaselineOfOne,
                         testing::Values(Row{"runs_it", only_new(), true},
                                         Row{"runs_it_beside_another", after_confirm(), true},
                                         Row{"runs_another", normal()}, Row{"holds_it_only", uploaded()},
                                         Row{"tests_it_only", under_test()}, Row{"runs_a_third", other()},
                                         Row{"does_not_say", silent_about_active()},
                                         Row{"runs_nothing", in_recovery({slot(0, kNew, "")})}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Baseline, IsWrittenDownWithWhoDeclaredIt) {
  Bench bench;
  bench.link(true);
  bench.says(only_new());
  const Output out = bench.post(BaselineDeclared{kDeliverable, kOperator});
  ASSERT_THAT(out.changes, SizeIs(2));
  EXPECT_EQ(std::get<PutChild>(out.changes[0]).child.committed, kDeliverable);
  EXPECT_EQ(std::get<PutChild>(out.changes[0]).child.floors, (Floors{{"boiler", 7}}));
  const auto& line = std::get<PutHistory>(out.changes[1]);
  EXPECT_EQ(line.phase, Phase::confirmed);
  EXPECT_EQ(line.deliverable, kDeliverable);
  EXPECT_THAT(line.cause.text, HasSubstr("uid 1000"));
}

TEST(Baseline, OfAChildThatNobodyHasAskedIsNotKnown) {
  Bench bench;
  const Output out = bench.post(BaselineDeclared{kDeliverable, kOperator});
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->code, Errc::mismatch);
}

TEST(Baseline, NeedsADeliverableThatIsThere) {
  Bench bench;
  const Output out = bench.post(BaselineDeclared{"d9", kOperator});
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->code, Errc::not_found);
}

TEST(Baseline, ReplacesNothingThatWasCommitted) {
  Bench bench;
  bench.link(true);
  bench.says(only_new());
  bench.child().committed = "d0";
  EXPECT_TRUE(bench.post(BaselineDeclared{kDeliverable, kOperator}).refusal);
  EXPECT_EQ(bench.child().committed, "d0");
}

TEST(Baseline, LowersNoFloor) {
  Bench bench;
  bench.link(true);
  bench.says(only_new());
  bench.child().floors["boiler"] = 9;
  EXPECT_FALSE(bench.post(BaselineDeclared{kDeliverable, kOperator}).refusal);
  EXPECT_EQ(bench.child().floors.at("boiler"), 9U);
}

TEST(Baseline, WaitsForTheEndOfAnUpdate) {
  Bench bench;
  bench.go_to(Phase::testing);
  bench.child().seen = only_new();  // whatever it says in the midst of one
  EXPECT_TRUE(bench.post(BaselineDeclared{kDeliverable, kOperator}).refusal);
  EXPECT_THAT(bench.child().committed, IsEmpty());
}

TEST(Baseline, NeedsAllImagesOfTheChild) {
  Bench2 bench;
  bench.link(true);
  bench.says(both(only_new(), radio_normal()));
  EXPECT_TRUE(bench.post(BaselineDeclared{kDeliverable, kOperator}).refusal);
  bench.child().seen = both(only_new(), radio_only_new());
  EXPECT_FALSE(bench.post(BaselineDeclared{kDeliverable, kOperator}).refusal);
}

TEST(Baseline, DoesNotAskWhetherTheLinkMayCarryIt) {
  Bench bench;
  Enrollment open = enrollment();
  open.link = LinkProtection::none;
  bench.post(ChildEnrolled{open});
  bench.link(true);
  bench.says(only_new());
  EXPECT_FALSE(bench.post(BaselineDeclared{kDeliverable, kOperator}).refusal);
  EXPECT_EQ(bench.child().enrollment.link, LinkProtection::none);
}

// ---------------------------------------------------------------------------------------------------------- a group

class BaselineOfAGroup : public testing::Test {
 protected:
  BaselineOfAGroup() {
    Enrollment second = enrollment();
    second.id = "second";
    bench_.post(ChildEnrolled{second});
    bench_.post(LayoutsSaid{{Layout{"pair", {Role{"main", {1}, {2}, 2}}}}});
    bench_.post(GroupFormed{Group{"house", "pair", {{"main", kBoiler}, {"main", "second"}}, {}}});
    for (auto& [id, child] : bench_.state.children) child.seen = only_new();
  }

  Output declare() { return bench_.post(BaselineDeclared{kDeliverable, kOperator}); }
  Group& group() { return bench_.state.groups.at("house"); }

  Bench bench_;
};

TEST_F(BaselineOfAGroup, IsWhatAllMembersRun) {
  const Output out = declare();
  EXPECT_EQ(group().committed, kDeliverable);
  ASSERT_THAT(out.changes, SizeIs(5));
  EXPECT_EQ(std::get<PutGroup>(out.changes.back()).group, group());
}

TEST_F(BaselineOfAGroup, IsNoneWhenAMemberRunsSomethingElse) {
  bench_.child().seen = normal();
  EXPECT_THAT(declare().changes, SizeIs(2));
  EXPECT_THAT(group().committed, IsEmpty());
  bench_.child().seen = only_new();
  EXPECT_THAT(declare().changes, SizeIs(3));
  EXPECT_EQ(group().committed, kDeliverable);
}

TEST_F(BaselineOfAGroup, ReplacesNothingThatItHasCommitted) {
  group().committed = "d0";
  EXPECT_THAT(declare().changes, SizeIs(4));
  EXPECT_EQ(group().committed, "d0");
}

}  // namespace
}  // namespace hg::core::table
