// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ble/packet_steps.hpp"

namespace hg::test {
namespace {

using testing::ElementsAre;

TEST(PacketSteps, OneFragmentIsTheFirst) {
  EXPECT_THAT(ble::limits_for(244).steps, ElementsAre(244, 488, 976, 1952, 3904));
  EXPECT_THAT(ble::limits_for(495).steps, ElementsAre(495, 990, 1980, 3960));
  EXPECT_THAT(ble::limits_for(512).steps, ElementsAre(512, 1024, 2048, 4096));
}

TEST(PacketSteps, AFragmentThatIsTooSmallForAnUploadIsNotTried) {
  EXPECT_THAT(ble::limits_for(20).steps, ElementsAre(100, 200, 400, 800, 1600, 3200, 4080));
  EXPECT_EQ(ble::limits_for(95).steps.front(), 190U);
  EXPECT_EQ(ble::limits_for(96).steps.front(), 96U);
}

TEST(PacketSteps, WhatNoConnectionHasIsTakenForTheNextThatOneHas) {
  EXPECT_EQ(ble::limits_for(0).steps, ble::limits_for(20).steps);
  EXPECT_EQ(ble::limits_for(10000).steps, ble::limits_for(512).steps);
}

TEST(PacketSteps, ForEachFragmentTheyAscendInWholeFragments) {
  for (std::size_t fragment = 20; fragment <= 512; ++fragment) {
    const smp::Link::Limits limits = ble::limits_for(fragment);
    EXPECT_LE(limits.steps.size(), 8U) << fragment;
    EXPECT_TRUE(std::ranges::is_sorted(limits.steps, std::less_equal<>{})) << fragment;
    for (const std::size_t step : limits.steps) EXPECT_EQ(step % fragment, 0U) << fragment;
    EXPECT_GE(limits.steps.front(), 96U) << fragment;
    EXPECT_LE(limits.steps.back(), limits.largest_packet) << fragment;
    EXPECT_GT(limits.steps.back() + fragment, limits.largest_packet) << fragment;
  }
}

TEST(PacketSteps, OneRequestAtATimeIsTheBeginning) {
  EXPECT_EQ(ble::limits_for(244).first_window, 1U);
  EXPECT_TRUE(ble::limits_for(244).is_lossy_on_overrun);
  EXPECT_FALSE(ble::limits_for(244).has_lines);
}

}  // namespace
}  // namespace hg::test
