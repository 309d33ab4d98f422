// SPDX-License-Identifier: Apache-2.0
// headgatectl has a sentence for each reason that the daemon may give, and shares no code with it: this holds the two
// to each other.
#include <gtest/gtest.h>

#include <set>

#include "core/model.hpp"
#include "ctl/advice.hpp"

namespace hg::ctl {
namespace {

TEST(Advice, IsThereForEachReason) {
  std::set<std::string> seen;
  for (unsigned value = 0; value < 256; ++value) {
    const std::string name{core::name_of(static_cast<core::Reason>(value))};
    if (core::reason_from(name) != static_cast<core::Reason>(value)) break;
    seen.insert(name);
    const std::string advice{advice_on(name)};
    EXPECT_TRUE(advice.ends_with('.')) << name << ": \"" << advice << '"';
    EXPECT_EQ(advice.find(". "), std::string::npos) << name << ": more than one sentence";
  }
  EXPECT_TRUE(seen.contains("not-told"));  // the last one
}

TEST(Advice, OnAWordThatIsNotKnownIsNone) {
  EXPECT_EQ(advice_on("bewitched"), "");
}

}  // namespace
}  // namespace hg::ctl
