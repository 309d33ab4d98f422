// SPDX-License-Identifier: Apache-2.0
// How long an answer may take before its request counts as lost: from the times that answers took so far (RFC 6298),
// because a fixed time is too short for one line and wastes seconds on another. Pure; pace owns one for each child.
#pragma once

#include "smp/clock.hpp"

namespace hg::smp {

class RoundTrip {
 public:
  using Duration = SteadyTime::duration;
  static constexpr Milliseconds kLeast{100};  ///< children erase a page or write a log now and then

  /// `most`: what is waited at the most, and as long as nothing was measured.
  explicit RoundTrip(Milliseconds most) : most_(most) {}

  /// The answer to a request of `size` bytes took so long. Every sending has a number of its own, so that late answers
  /// count too: they are how it learns that it was too hasty.
  void took(Duration time, std::size_t size);

  /// For a request of `size` bytes that has been unanswered `silences` times in a row; each doubles it.
  [[nodiscard]] Duration timeout(std::size_t size, unsigned silences = 0) const;

 private:
  Milliseconds most_;
  Duration smoothed_{0};  // 0: nothing measured
  Duration variation_{0};
  std::size_t size_ = 1;  // that was measured last
};

}  // namespace hg::smp
