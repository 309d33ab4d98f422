// SPDX-License-Identifier: Apache-2.0
// Whether a child is in sight: it counts as there from when it is heard until the adapter has listened for a while
// without hearing it again, or its connection broke. Time in which nobody listens says nothing. Pure; radio keeps one
// for each child and goes by it when it decides whether to listen.
#pragma once

#include "sdk/driver.hpp"

namespace hg::ble {

using plugin::SteadyTime;

class Sight {
 public:
  /// Listened for so long without hearing it: gone. BlueZ listens for 10 s and rests for 5, and a child may advertise
  /// every ten seconds only.
  static constexpr std::chrono::seconds kGoneAfter{45};
  /// Not heard for so long: worth listening for.
  static constexpr std::chrono::seconds kStaleAfter{60};
  /// Looked for for so long in vain: from then on only now and then (scan_plan).
  static constexpr std::chrono::minutes kPatientFor{5};

  explicit Sight(SteadyTime now) : heard_(now), missed_since_(now) {}

  /// An advertisement came, or a connection was used.
  void heard(SteadyTime now);
  /// Its connection broke by itself: where it is must be heard anew.
  void lost(SteadyTime now);
  /// An adapter that could hear it has listened for so long since the last call.
  void listened(std::chrono::milliseconds time, SteadyTime now);

  [[nodiscard]] bool is_in_sight() const { return is_in_sight_; }
  [[nodiscard]] bool is_stale(SteadyTime now) const { return !is_in_sight_ || now - heard_ >= kStaleAfter; }
  /// Not in sight, and not for long.
  [[nodiscard]] bool is_missed(SteadyTime now) const { return !is_in_sight_ && now - missed_since_ < kPatientFor; }

 private:
  SteadyTime heard_;
  SteadyTime missed_since_;
  std::chrono::milliseconds in_vain_{0};  // listened since it was heard
  bool is_in_sight_ = false;
};

}  // namespace hg::ble
