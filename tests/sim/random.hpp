// SPDX-License-Identifier: Apache-2.0
// Chance from a seed, the same on every machine: splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
// generators", 2014), and integer draws from it.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace hg::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  /// From 0 to `count - 1`; 0 when `count` is 0.
  std::uint64_t below(std::uint64_t count) { return ((next() >> 32) * count) >> 32; }
  bool is_lucky(std::uint64_t permille) { return below(1000) < permille; }
  Duration between(Duration least, Duration most) {
    return least + Duration{static_cast<Duration::rep>(below(static_cast<std::uint64_t>((most - least).count()) + 1))};
  }

 private:
  std::uint64_t state_;
};

}  // namespace hg::sim
