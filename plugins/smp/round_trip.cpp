// SPDX-License-Identifier: Apache-2.0
#include "smp/round_trip.hpp"

#include <algorithm>

namespace hg::smp {
namespace {

constexpr unsigned kMostDoublings = 16;

}  // namespace

void RoundTrip::took(Duration time, std::size_t size) {
  time = std::max(time, Duration{1});
  size_ = std::max<std::size_t>(size, 1);
  if (smoothed_ == Duration{0}) {
    smoothed_ = time;
    variation_ = time / 2;
    return;
  }
  variation_ = (3 * variation_ + std::chrono::abs(smoothed_ - time)) / 4;
  smoothed_ = (7 * smoothed_ + time) / 8;
}

RoundTrip::Duration RoundTrip::timeout(std::size_t size, unsigned silences) const {
  const Duration most = most_;
  if (smoothed_ == Duration{0}) return most;
  // On a slow line a larger packet takes longer in proportion.
  const Duration expected = size > size_ ? smoothed_ * static_cast<Duration::rep>(size / size_ + 1) : smoothed_;
  Duration timeout = std::max<Duration>(expected + std::max(4 * variation_, expected / 2), kLeast);
  for (unsigned i = 0; i < std::min(silences, kMostDoublings) && timeout < most; ++i) timeout *= 2;
  return std::min(timeout, most);
}

}  // namespace hg::smp
