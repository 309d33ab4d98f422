// SPDX-License-Identifier: Apache-2.0
// How many bytes a line of some rate would have carried by now (8N1: ten bits a byte). Used by the serial link.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "loop.hpp"

namespace smp_child {

class Pacer {
 public:
  /// Rate 0 is a line without limit.
  explicit Pacer(std::uint32_t baud) : bytes_per_second_(baud / 10.0) {}

  [[nodiscard]] bool paced() const { return bytes_per_second_ > 0; }

  /// The bytes that may pass now. Of what was not asked for in time only the last few milliseconds are kept.
  std::size_t allowance() {
    if (!paced()) return std::numeric_limits<std::size_t>::max();
    const auto now = Clock::now();
    const std::chrono::duration<double> passed = resting_ ? Duration::zero() : now - last_;
    resting_ = false;
    last_ = now;
    credit_ = std::min(credit_ + passed.count() * bytes_per_second_, std::max(16.0, kMemory * bytes_per_second_));
    return static_cast<std::size_t>(credit_);
  }

  /// The line is idle: its time does not count until the next allowance is asked for.
  void rest() {
    resting_ = true;
    credit_ = 0;
  }

  void spend(std::size_t bytes) {
    if (paced()) credit_ -= static_cast<double>(bytes);
  }

  /// When it makes sense to look again after an allowance of nothing.
  [[nodiscard]] Duration pause() const { return std::chrono::milliseconds(1); }

 private:
  static constexpr double kMemory = 0.010;  // seconds

  double bytes_per_second_;
  double credit_ = 0;
  bool resting_ = true;
  Clock::time_point last_ = Clock::now();
};

}  // namespace smp_child
