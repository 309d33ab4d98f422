// SPDX-License-Identifier: Apache-2.0
#include "sim/sim_child.hpp"

#include <algorithm>
#include <utility>

namespace hg::sim {

namespace {

core::RevertClass class_said_by(Nature nature) {
  switch (nature) {
    case Nature::self_reverting:
    case Nature::self_confirming:
      return core::RevertClass::self_reverting;
    case Nature::swap_back:
      return core::RevertClass::swap_back;
    case Nature::reinstall:
      return core::RevertClass::reinstall;
    case Nature::irrevocable:
      return core::RevertClass::irrevocable;
    case Nature::unstageable:
      return core::RevertClass::unstageable;
    case Nature::unknown:
      break;
  }
  return core::RevertClass::unknown;
}

}  // namespace

SimChild::SimChild(Nature nature, std::vector<Held> factory) : nature_(nature) {
  for (Held& held : factory) images_.push_back({std::move(held), {}, true, false});
}

core::Inspection SimChild::listing() const {
  core::Inspection seen;
  seen.slots.reserve(2 * images_.size());
  for (std::uint8_t number = 0; number < images_.size(); ++number) {
    const Image& image = images_[number];
    core::Slot first{.image = number, .version = image.first.version, .digest = image.first.digest, .bootable = true};
    first.active = !is_in_recovery_;
    first.confirmed = !is_in_recovery_ && image.is_confirmed;
    seen.slots.push_back(std::move(first));
    if (!image.second) continue;
    core::Slot second{.image = number, .slot = 1, .version = image.second->version, .digest = image.second->digest};
    second.bootable = true;
    second.pending = image.is_marked;
    second.confirmed = !is_in_recovery_ && !image.is_confirmed;
    seen.slots.push_back(std::move(second));
  }
  seen.revert_class = is_in_recovery_ ? core::RevertClass::unstageable : class_said_by(nature_);
  seen.staging = staging();
  seen.battery_percent = battery;
  if (tells_starts) seen.boots = starts_;
  return seen;
}

void SimChild::stage(std::uint8_t number, Held image) {
  Image& one = images_.at(number);
  if (is_in_recovery_) {
    one = {std::move(image), {}, true, false};
    return;
  }
  one.second = std::move(image);
  one.is_marked = nature_ == Nature::unstageable;
  if (one.is_marked) reset();
}

bool SimChild::mark(std::uint8_t number, const Digest& digest) {
  if (number >= images_.size()) return false;
  Image& one = images_[number];
  if (is_in_recovery_ || !one.second || one.second->digest != digest || !one.is_confirmed) return false;
  if (lies > 0) {
    --lies;
    return true;
  }
  return one.is_marked = true;
}

void SimChild::confirm() {
  if (is_in_recovery_) return;
  if (lies > 0) {
    --lies;
    return;
  }
  for (Image& one : images_) one.is_confirmed = true;
}

void SimChild::reset() {
  ++starts_;
  for (std::size_t number = 0; number < images_.size(); ++number)
    boot(images_[number], refuses_images || (refuses_second_image && number == 1));
  is_in_recovery_ = std::exchange(is_held_in_recovery, false);
}

void SimChild::boot(Image& image, bool refuses) {
  const bool is_kept = nature_ != Nature::self_reverting;
  const bool is_overwritten = is_kept && nature_ != Nature::swap_back && nature_ != Nature::self_confirming;
  if (std::exchange(image.is_marked, false)) {
    if (refuses) {
      image.second.reset();
      return;
    }
    std::swap(image.first, *image.second);
    image.is_confirmed = is_kept;
    if (is_overwritten) image.second.reset();
  } else if (!image.is_confirmed) {
    std::swap(image.first, *image.second);
    image.is_confirmed = true;
  }
}

void SimChild::mark_by_somebody() {
  if (is_in_recovery_) return;
  is_meddled_with = true;
  for (Image& one : images_)
    if (one.second && one.is_confirmed) one.is_marked = true;
}

bool SimChild::is_under_test() const {
  return std::ranges::any_of(images_, [](const Image& image) { return !image.is_confirmed; });
}

}  // namespace hg::sim
