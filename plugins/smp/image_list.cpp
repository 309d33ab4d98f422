// SPDX-License-Identifier: Apache-2.0
#include "smp/image_list.hpp"

#include <algorithm>
#include <set>

namespace hg::smp {
namespace {

template <class Wanted>
const wire::Slot* first(const Slots& slots, const Wanted& is_it) {
  const auto found = std::ranges::find_if(slots, is_it);
  return found == slots.end() ? nullptr : &*found;
}

}  // namespace

const wire::Slot* active(const Slots& slots, std::uint8_t image) {
  return first(slots, [&](const auto& slot) { return slot.image == image && slot.active; });
}

const wire::Slot* standby(const Slots& slots, std::uint8_t image, const Digest& digest) {
  return first(slots, [&](const auto& slot) { return slot.image == image && !slot.active && slot.digest == digest; });
}

const wire::Slot* first_slot(const Slots& slots, std::uint8_t image) {
  return first(slots, [&](const auto& slot) { return slot.image == image && slot.slot == 0; });
}

const wire::Slot* elsewhere(const Slots& slots, std::uint8_t image, const Digest& digest) {
  return first(slots, [&](const auto& slot) { return slot.image != image && slot.digest == digest; });
}

bool anything_active(const Slots& slots) {
  return std::ranges::any_of(slots, &wire::Slot::active);
}

bool anything_pending(const Slots& slots, std::uint8_t image) {
  return std::ranges::any_of(slots, [&](const auto& slot) { return slot.image == image && slot.pending; });
}

bool runs(const Slots& slots, std::uint8_t image, const Digest& digest) {
  const wire::Slot* const slot = active(slots, image);
  return slot != nullptr && slot->digest == digest;
}

bool runs_for_good(const Slots& slots, std::uint8_t image, const Digest& digest) {
  return runs(slots, image, digest) && active(slots, image)->confirmed && !anything_pending(slots, image);
}

std::size_t image_count(const Slots& slots) {
  std::set<std::uint8_t> images;
  for (const wire::Slot& slot : slots) images.insert(slot.image);
  return images.size();
}

bool holds(const Slots& slots, const wire::Guard& guard) {
  return guard.active.empty() ? !anything_active(slots) : runs(slots, guard.image, guard.active);
}

wire::Guard guard_of(const wire::Move& move) {
  return {move.image, move.active};
}

bool all_hold(const Slots& slots, std::span<const wire::Guard> guards) {
  return std::ranges::all_of(guards, [&](const auto& guard) { return holds(slots, guard); });
}

bool all_hold(const Slots& slots, std::span<const wire::Move> moves) {
  return std::ranges::all_of(moves, [&](const auto& move) { return holds(slots, guard_of(move)); });
}

bool all_run(const Slots& slots, std::span<const wire::Move> moves) {
  return std::ranges::all_of(moves, [&](const auto& move) { return runs(slots, move.image, move.goal); });
}

std::string name_of_image(std::uint8_t image) {
  return "image " + std::to_string(image);
}

}  // namespace hg::smp
