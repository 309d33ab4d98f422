// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ble/scan_plan.hpp"
#include "ble/sight.hpp"

namespace hg::ble {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart = SteadyTime{} + 1h;

TEST(Sight, BeginsOutOfSightAndMissed) {
  const Sight sight(kStart);
  EXPECT_FALSE(sight.is_in_sight());
  EXPECT_TRUE(sight.is_missed(kStart));
  EXPECT_FALSE(sight.is_missed(kStart + Sight::kPatientFor));
}

TEST(Sight, TimeInWhichNobodyListensSaysNothing) {
  Sight sight(kStart);
  sight.heard(kStart);
  EXPECT_TRUE(sight.is_in_sight());
  EXPECT_FALSE(sight.is_stale(kStart + 59s));
  EXPECT_TRUE(sight.is_stale(kStart + 60s));
  EXPECT_TRUE(sight.is_in_sight()) << "an hour without listening";
}

TEST(Sight, IsGoneAfterListeningInVain) {
  Sight sight(kStart);
  sight.heard(kStart);
  sight.listened(44s, kStart + 44s);
  EXPECT_TRUE(sight.is_in_sight());
  sight.listened(1s, kStart + 45s);
  EXPECT_FALSE(sight.is_in_sight());
  EXPECT_TRUE(sight.is_missed(kStart + 46s));
  EXPECT_FALSE(sight.is_missed(kStart + 46s + Sight::kPatientFor));
}

TEST(Sight, HearingItAgainBeginsAnew) {
  Sight sight(kStart);
  sight.heard(kStart);
  sight.listened(40s, kStart + 40s);
  sight.heard(kStart + 41s);
  sight.listened(40s, kStart + 81s);
  EXPECT_TRUE(sight.is_in_sight());
}

TEST(Sight, ALostConnectionEndsIt) {
  Sight sight(kStart);
  sight.heard(kStart);
  sight.lost(kStart + 10min);
  EXPECT_FALSE(sight.is_in_sight());
  EXPECT_TRUE(sight.is_missed(kStart + 14min));
}

struct PlanRow {
  const char* what;
  ScanPlan::Needs needs;
  bool at_once;   // at the first question, when no round was ever held
  bool in_round;  // 5 s later
  bool after;     // 20 s later
  bool next;      // 61 s later
};

class Plan : public testing::TestWithParam<PlanRow> {};

TEST_P(Plan, Listens) {
  const PlanRow& row = GetParam();
  ScanPlan plan;
  EXPECT_EQ(plan.wants_to_listen(row.needs, kStart), row.at_once);
  EXPECT_EQ(plan.wants_to_listen(row.needs, kStart + 5s), row.in_round);
  EXPECT_EQ(plan.wants_to_listen(row.needs, kStart + 20s), row.after);
  EXPECT_EQ(plan.wants_to_listen(row.needs, kStart + 61s), row.next);
}

INSTANTIATE_TEST_SUITE_P(
    All, Plan,
    testing::Values(
        PlanRow{"nobody", {}, true, true, false, true}, PlanRow{"missed", {.is_missed = true}, true, true, true, true},
        PlanRow{"missed, transfers", {.is_missed = true, .has_transfers = true}, true, true, true, true},
        PlanRow{"stale", {.is_stale = true}, true, true, true, true},
        PlanRow{"stale, transfers", {.is_stale = true, .has_transfers = true}, false, false, false, false},
        PlanRow{"transfers", {.has_transfers = true}, false, false, false, false},
        PlanRow{"long missing", {.has_long_missing = true}, true, true, false, true},
        PlanRow{"long missing, transfers", {.has_transfers = true, .has_long_missing = true}, true, true, false, true}),
    [](const auto& row) { return "row" + std::to_string(row.index); });

}  // namespace
}  // namespace hg::ble
