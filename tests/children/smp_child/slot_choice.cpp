// SPDX-License-Identifier: Apache-2.0
// The half of the bootloader for modes in which either slot runs: direct-XIP and RAM load (smp.md 4.7).
#include "bootloader.hpp"

namespace smp_child {

bool Bootloader::boot_choosing() {
  bool changed = false;
  for (std::size_t n = 0; n < board_.images().size(); ++n) {
    if (mode_.reverts && board_.images()[n].testing) {
      drop_unconfirmed(n);
      changed = true;
    } else {
      changed = choose(n) || changed;
    }
  }
  return changed;
}

/// With revert: what was booted once and is not confirmed is erased, and the other slot runs.
void Bootloader::drop_unconfirmed(std::size_t number) {
  Image& image = board_.images()[number];
  image.running().erase();
  image.active = 1 - image.active;
  image.testing = false;
  image.mark = Mark::none;
  note(number, "reverts", "reverted to slot " + std::to_string(image.active));
}

/// The higher version runs; with revert only if it is marked, here or in its file.
bool Bootloader::choose(std::size_t number) {
  Image& image = board_.images()[number];
  const auto candidate = board_.image_in(image.other()), running = board_.image_in(image.running());
  const bool runs = running && is_whole(image.running());
  if (!candidate || (runs && candidate->version <= running->version)) return false;
  const bool marked = image.mark != Mark::none || has_trailer_magic(image.other());
  const std::string_view reason = mode_.reverts && !marked ? "neither marked nor padded" : reason_to_refuse(image);
  if (reason.empty()) {
    take_other(number);
  } else {
    refuse(number, reason);
  }
  return reason.empty();
}

void Bootloader::take_other(std::size_t number) {
  Image& image = board_.images()[number];
  image.testing = mode_.reverts && image.mark != Mark::permanent && !trailer_says_confirmed(image.other());
  image.active = 1 - image.active;
  image.mark = Mark::none;
  note(number, "swaps", "runs from slot " + std::to_string(image.active));
}

}  // namespace smp_child
