// SPDX-License-Identifier: Apache-2.0
#include "core/inspection.hpp"

#include <algorithm>

namespace hg::core {

const Slot* Inspection::active(std::uint8_t image) const {
  const auto found = std::ranges::find_if(slots, [&](const Slot& s) { return s.image == image && s.active; });
  return found == slots.end() ? nullptr : &*found;
}

const Slot* Inspection::standby(std::uint8_t image, const Digest& digest) const {
  const auto found = std::ranges::find_if(
      slots, [&](const Slot& s) { return s.image == image && !s.active && !digest.empty() && s.digest == digest; });
  return found == slots.end() ? nullptr : &*found;
}

bool Inspection::anything_pending(std::uint8_t image) const {
  return std::ranges::any_of(slots, [&](const Slot& s) { return s.image == image && s.pending; });
}

bool Inspection::rests_on(std::uint8_t image, const Digest& digest) const {
  const Slot* runs = active(image);
  return runs != nullptr && runs->digest == digest && runs->confirmed && !anything_pending(image);
}

bool Inspection::is_in_recovery() const {
  return staging == Staging::in_place && std::ranges::none_of(slots, &Slot::active);
}

}  // namespace hg::core
