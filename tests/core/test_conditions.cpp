// SPDX-License-Identifier: Apache-2.0
// The conditions that an image carries from its manifest, each kept and each broken; and versions as such.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/table_child.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

Image& image_of(Bench& bench) {
  return bench.state.deliverables.at(kDeliverable).images.front();
}
Conditions& conditions_of(Bench& bench) {
  return image_of(bench).conditions;
}

struct Row {
  const char* name;
  void (*set)(Bench&);  ///< before a child that runs 1.0.0 is looked at
  Phase phase;
  Reason reason;
  const char* text = "";
};

class Condition : public testing::TestWithParam<Row> {};

TEST_P(Condition, IsJudgedAtPreflight) {
  Bench bench;
  GetParam().set(bench);
  bench.link(true);
  bench.says(normal());
  bench.start();
  bench.says(normal());
  EXPECT_EQ(bench.phase(), name_of(GetParam().phase)) << bench.update().cause.text;
  EXPECT_EQ(name_of(bench.update().cause.reason), name_of(GetParam().reason));
  EXPECT_THAT(bench.update().cause.text, HasSubstr(GetParam().text));
}

/// The same, when it is first broken while the image is on its way.
TEST_P(Condition, IsJudgedAgainBeforeActivate) {
  Bench bench;
  bench.go_to(Phase::staged);
  GetParam().set(bench);
  bench.says(uploaded());
  const Phase expected = GetParam().phase == Phase::offered ? Phase::activating : GetParam().phase;
  EXPECT_EQ(bench.phase(), name_of(expected)) << bench.update().cause.text;
  EXPECT_EQ(name_of(bench.update().cause.reason), name_of(GetParam().reason));
}

template <VersionOp kOp, std::int64_t... kParts>
void follows(Bench& b) {
  conditions_of(b).versions.push_back({kOp, {kParts...}});
}

INSTANTIATE_TEST_SUITE_P(
    Table, Condition,
    testing::Values(Row{"none", [](Bench&) {}, Phase::offered, Reason::none},
                    Row{"use_before_is_ahead", [](Bench& b) { conditions_of(b).use_before = kNow + Duration{1}; },
                        Phase::offered, Reason::none},
                    Row{"use_before_has_passed", [](Bench& b) { conditions_of(b).use_before = kNow; }, Phase::refused,
                        Reason::use_before_passed, "used before 2019-12-20T00:00:00Z"},
                    Row{"use_before_and_nobody_knows_the_time",
                        [](Bench& b) {
                          conditions_of(b).use_before = kNow + hours{1};
                          b.post(TimeJudged{false});
                        },
                        Phase::deferred, Reason::time_unknown, "the time is not known"},
                    Row{"use_before_has_passed_though_the_clock_was_set_back",
                        [](Bench& b) {
                          conditions_of(b).use_before = kNow;
                          b.post(HeadAccepted{head()});
                          b.now -= hours{1};
                        },
                        Phase::refused, Reason::use_before_passed},
                    Row{"not_before_has_come", [](Bench& b) { conditions_of(b).not_before = kNow; }, Phase::offered,
                        Reason::none},
                    Row{"not_before_is_ahead", [](Bench& b) { conditions_of(b).not_before = kNow + hours{1}; },
                        Phase::deferred, Reason::too_early, "not to be used before 2019-12-20T01:00:00Z"},
                    Row{"not_before_and_nobody_knows_the_time",
                        [](Bench& b) {
                          conditions_of(b).not_before = kNow - hours{1};
                          b.post(TimeJudged{false});
                        },
                        Phase::deferred, Reason::time_unknown},
                    Row{"nobody_knows_the_time_and_nothing_asks", [](Bench& b) { b.post(TimeJudged{false}); },
                        Phase::offered, Reason::none},
                    Row{"battery", [](Bench& b) { conditions_of(b).minimum_battery_mwh = 2500; }, Phase::refused,
                        Reason::battery_condition, "2500 mWh, and children tell their battery in percent only"},
                    Row{"version_holds", follows<VersionOp::equal, 1, 0>, Phase::offered, Reason::none},
                    Row{"version_too_low", follows<VersionOp::greater_equal, 1, 1>, Phase::refused,
                        Reason::version_condition, "runs 1.0.0, which is not at least 1.1"},
                    Row{"version_too_high", follows<VersionOp::lesser, 1>, Phase::refused, Reason::version_condition,
                        "which is not below 1"},
                    Row{"versions_must_all_hold",
                        [](Bench& b) {
                          follows<VersionOp::greater, 0, 9>(b);
                          follows<VersionOp::lesser_equal, 0, 10>(b);
                        },
                        Phase::refused, Reason::version_condition, "which is not at most 0.10"},
                    Row{"a_product_that_the_child_has_had",
                        [](Bench& b) {
                          b.child().floors = {{"boiler", 1}, {"pump", 9}};
                        },
                        Phase::offered, Reason::none},
                    Row{"another_product",
                        [](Bench& b) {
                          b.child().floors = {{"pump", 9}};
                        },
                        Phase::refused, Reason::other_product, "had pump so far, and this is boiler: approve"},
                    Row{"not_approved", [](Bench& b) { conditions_of(b).needs_authorization = true; }, Phase::refused,
                        Reason::not_approved, "approve"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Conditions, AnApprovedRolloutMeetsTheOneForAuthorization) {
  Bench bench;
  conditions_of(bench).needs_authorization = true;
  bench.link(true);
  bench.post(RolloutRequested{kDeliverable, {kBoiler}, 1000, true});
  bench.go_on_to(Phase::confirmed);
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Conditions, AnApprovedRolloutMayBringAnotherProduct) {
  Bench bench;
  bench.child().floors = {{"pump", 9}};
  bench.link(true);
  bench.post(RolloutRequested{kDeliverable, {kBoiler}, 1000, true});
  bench.go_on_to(Phase::confirmed);
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Conditions, NotBeforeIsWaitedForAndCountsAsNoFailure) {
  Bench bench;
  conditions_of(bench).not_before = kNow + hours{100};
  bench.go_to(Phase::offered);
  ASSERT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.update().until, kNow + hours{100});
  bench.wait_out();
  bench.go_on_to(Phase::confirmed);
  EXPECT_EQ(bench.phase(), "confirmed");
  EXPECT_EQ(bench.update().attempts, 0U);
}

TEST(Conditions, AVersionThatCannotBeReadMeetsNone) {
  for (const std::string version : {"", "one", "1.2.x"}) {
    Bench bench;
    conditions_of(bench).versions = {{VersionOp::greater_equal, {0}}};
    bench.link(true);
    bench.start();
    Inspection seen = normal();
    seen.slots[0].version = version;
    bench.says(seen);
    EXPECT_EQ(bench.phase(), "refused") << version;
    EXPECT_EQ(bench.update().cause.reason, Reason::version_condition);
  }
}

TEST(Conditions, DoNotMatterToAChildThatRunsTheImageAlready) {
  Bench bench;
  conditions_of(bench) = {kNow, {}, 1, {{VersionOp::lesser, {2}}}, true};
  bench.link(true);
  bench.start();
  bench.says(after_confirm());
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Conditions, ForAVersionAreJudgedByWhatRanBeforeATestThatSomebodyHasBegun) {
  for (const std::int64_t most : {1, 0}) {
    Bench bench;
    conditions_of(bench).versions = {{VersionOp::lesser_equal, {most}}};
    bench.link(true);
    bench.start();
    bench.says(under_test());
    EXPECT_EQ(bench.phase(), most == 1 ? "testing" : "refused");
  }
}

TEST(Slots, AnImageForOneSlotIsNotSentToAnother) {
  Bench bench;
  image_of(bench).slot = 1;
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause.reason, Reason::slot_unknown);
}

TEST(Slots, ImagesForSeveralSlotsCannotBeToldApart) {
  Bench bench;
  auto& images = bench.state.deliverables.at(kDeliverable).images;
  images.push_back(images.front());
  for (std::uint64_t slot = 0; slot < 2; ++slot) images[slot].slot = slot;
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause.reason, Reason::slot_unknown);
}

// --------------------------------------------------------------------------------------------------------- versions

struct Text {
  const char* text;
  Version version;  ///< empty: none
  const char* canonical = nullptr;
};

TEST(Versions, AreReadFromText) {
  const std::vector<Text> table{
      {"1", {1}},
      {"1.2.3", {1, 2, 3}},
      {"1.2.3.4", {1, 2, 3, 4}},
      {"1.2.3+4", {1, 2, 3, 4}, "1.2.3.4"},
      {"1.2-rc.3", {1, 2, -1, 3}},
      {"1.2-beta", {1, 2, -2}},
      {"1-alpha.2.1", {1, -3, 2, 1}},
      {"01.002", {1, 2}, "1.2"},
      {"9223372036854775807", {std::numeric_limits<std::int64_t>::max()}},
  };
  for (const Text& row : table) {
    const auto version = version_from(row.text);
    ASSERT_TRUE(version) << row.text;
    EXPECT_EQ(*version, row.version) << row.text;
    EXPECT_EQ(to_text(*version), row.canonical == nullptr ? row.text : row.canonical);
  }
  for (const char* text : {"",        ".",           "1.",    ".1", "1..2",    "-1",   "1.-2",
                           "+1",      "1+2+3",       "1+2.3", "1-", "1-gamma", "rc",   "1-rc3",
                           "1-rc-rc", "1-rc.1-beta", "1 ",    " 1", "v1",      "1.2x", "9223372036854775808"})
    EXPECT_FALSE(version_from(text)) << text;
}

struct Comparison {
  VersionOp op;
  Version wanted;
  Version current;
  bool holds;
};

TEST(Versions, AreComparedForTheLengthOfTheCondition) {
  using enum VersionOp;
  const std::vector<Comparison> table{
      {equal, {1}, {1, 9, 9}, true},
      {greater, {1, 2}, {1, 2, 5}, false},
      {greater, {1, 2}, {1, 3}, true},
      {greater_equal, {1, 2}, {1, 2}, true},
      {greater_equal, {1, 2, 3}, {1, 2, 2, 9}, false},
      {lesser, {1, 10}, {1, 10, 1}, false},
      {lesser, {1, 10}, {1, 9, 99}, true},
      {lesser_equal, {1, 2}, {1, 2, 9}, true},
      {lesser_equal, {1, 2}, {1, 3}, false},
      {equal, {1, 2, 0}, {1, 2}, true},
      {lesser, {1, 2, 0}, {1, 2, -1, 3}, true},
      {lesser, {1, 2, -1}, {1, 2, -2, 9}, true},
      {equal, {}, {7}, true},
      {greater, {}, {7}, false},
  };
  for (const Comparison& row : table)
    EXPECT_EQ(holds({row.op, row.wanted}, row.current), row.holds)
        << to_text(row.current) << " " << name_of(row.op) << " " << to_text(row.wanted);
}

TEST(Versions, TheOperatorsHaveNames) {
  for (int op = 1; op <= 5; ++op)
    EXPECT_EQ(version_op_from(name_of(static_cast<VersionOp>(op))), static_cast<VersionOp>(op));
  EXPECT_FALSE(version_op_from("unknown"));
  EXPECT_EQ(name_of(static_cast<VersionOp>(0)), "unknown");
}

}  // namespace
}  // namespace hg::core::table
