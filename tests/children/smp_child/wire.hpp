// SPDX-License-Identifier: Apache-2.0
// One direction of a serial line: when bytes have arrived (8N1: ten bits a byte), and what the line does to them
// (some are lost, in some a bit turns over). The same seed treats the same bytes in the same way, however they are cut.
// Used by the serial link.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "loop.hpp"

namespace smp_child {

class Wire {
 public:
  /// How many of a million bytes are lost, or arrive with one wrong bit.
  struct Flaws {
    unsigned lost = 0;
    unsigned garbled = 0;
  };

  /// Baud 0 is a line without limit.
  Wire(std::uint32_t baud, Flaws flaws, std::uint32_t seed)
      : byte_(baud == 0 ? Nanoseconds::zero() : Nanoseconds(1e10 / baud)), flaws_(flaws), dice_(seed) {}

  [[nodiscard]] bool paced() const { return byte_ != Nanoseconds::zero(); }

  /// Puts bytes on the line, behind those that are on it; answers when the last of them has arrived.
  Clock::time_point put(Clock::time_point now, std::size_t count) {
    free_at_ = std::max(free_at_, now) + time_of(count);
    return free_at_;
  }

  /// When that byte has arrived which has so many put behind it.
  [[nodiscard]] Clock::time_point arrival(std::size_t behind) const { return free_at_ - time_of(behind); }

  /// What is left of these bytes at the other end.
  std::string carry(std::string_view bytes) {
    if (flaws_.lost == 0 && flaws_.garbled == 0) return std::string(bytes);
    std::string left;
    for (const char byte : bytes) {
      const std::uint_fast32_t chance = dice_() % kMillion, bit = dice_() % 8;
      if (chance < flaws_.lost) continue;
      const bool garbled = chance - flaws_.lost < flaws_.garbled;
      left += garbled ? static_cast<char>(byte ^ (1 << bit)) : byte;
    }
    return left;
  }

  /// Nothing is on the line any more.
  void clear() { free_at_ = {}; }

 private:
  using Nanoseconds = std::chrono::duration<double, std::nano>;
  static constexpr std::uint_fast32_t kMillion = 1'000'000;

  [[nodiscard]] Duration time_of(std::size_t count) const {
    return std::chrono::duration_cast<Duration>(byte_ * static_cast<double>(count));
  }

  Nanoseconds byte_;
  Flaws flaws_;
  std::mt19937 dice_;
  Clock::time_point free_at_{};
};

}  // namespace smp_child
