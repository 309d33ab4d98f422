// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ble/airtime.hpp"

namespace hg::test {
namespace {

using std::chrono::microseconds;

struct Row {
  std::size_t value;
  microseconds air;
};

class Airtime : public testing::TestWithParam<Row> {};

// Worked out by hand: (payload + 14) * 8 us, an empty packet of 80 us, twice 150 us, for each packet on the air.
TEST_P(Airtime, IsAsTheCoreSpecificationCounts) {
  EXPECT_EQ(ble::airtime_of(GetParam().value), GetParam().air);
}

INSTANTIATE_TEST_SUITE_P(Values, Airtime,
                         testing::Values(Row{0, microseconds{548}},       // 7 bytes of headers
                                         Row{20, microseconds{708}},      // ATT MTU 23
                                         Row{244, microseconds{2500}},    // fills one packet of 251
                                         Row{245, microseconds{3000}},    // one byte more takes another packet
                                         Row{512, microseconds{5628}}));  // three packets

}  // namespace
}  // namespace hg::test
