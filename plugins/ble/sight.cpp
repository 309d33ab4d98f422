// SPDX-License-Identifier: Apache-2.0
#include "ble/sight.hpp"

namespace hg::ble {

void Sight::heard(SteadyTime now) {
  heard_ = now;
  in_vain_ = std::chrono::milliseconds{0};
  is_in_sight_ = true;
}

void Sight::lost(SteadyTime now) {
  is_in_sight_ = false;
  missed_since_ = now;
}

void Sight::listened(std::chrono::milliseconds time, SteadyTime now) {
  in_vain_ += time;
  if (is_in_sight_ && in_vain_ >= kGoneAfter) lost(now);
}

}  // namespace hg::ble
