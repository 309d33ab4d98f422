// SPDX-License-Identifier: Apache-2.0
// What MCUboot's modes (smp.md 3, as bootloader info numbers them) mean for the slots. Used by the bootloader and the
// image group.
#pragma once

namespace smp_child {

enum class Strategy {
  swap,       // slot 0 runs; a marked secondary is exchanged with it
  overwrite,  // slot 0 runs; a marked secondary is copied over it
  choose,     // either slot runs: the one with the higher version (direct-XIP, RAM load)
  fixed,      // slot 0 runs, and nothing is ever moved
};

struct BootMode {
  Strategy strategy;
  bool reverts;       // what was booted in test and is not confirmed goes
  unsigned slots;     // that an image number has
  bool takes_upload;  // from the running application
};

/// Unknown modes swap, as clients assume.
constexpr BootMode boot_mode(int number) {
  switch (number) {
    case 0:
    case 8:
      return {Strategy::fixed, false, 1, false};
    case 2:
      return {Strategy::overwrite, false, 2, true};
    case 4:
    case 6:
      return {Strategy::choose, false, 2, true};
    case 5:
      return {Strategy::choose, true, 2, true};
    case 7:
      return {Strategy::fixed, false, 2, false};
    default:
      return {Strategy::swap, true, 2, true};
  }
}

}  // namespace smp_child
