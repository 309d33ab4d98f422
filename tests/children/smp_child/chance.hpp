// SPDX-License-Identifier: Apache-2.0
// The dice of the faults: the same seed gives the same run. Used by the child.
#pragma once

#include <cstdint>
#include <random>

namespace smp_child {

class Chance {
 public:
  explicit Chance(std::uint32_t seed) : engine_(seed) {}

  /// True `probability` times of a thousand.
  bool happens(unsigned probability) { return probability != 0 && engine_() % 1000 < probability; }

 private:
  std::mt19937 engine_;
};

}  // namespace smp_child
