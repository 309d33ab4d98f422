// SPDX-License-Identifier: Apache-2.0
// What the mode of a child's bootloader means for an update: where an image goes, how the child gets back, whether it
// can be tried out first (reference smp.md, sections 3 and 4.7; design section 5: never guessed upward). Pure; updater
// and marking ask it. Reading the mode is os_group's.
#pragma once

#include <string>

#include "smp/image_list.hpp"
#include "smp/os_group.hpp"

namespace hg::smp {

/// What else decides besides the mode.
struct Circumstances {
  bool is_recovery = false;      ///< the bootloader itself answers, nothing runs
  std::size_t images = 1;        ///< how many image numbers the child lists
  bool can_confirm_all = false;  ///< by the child kit, or because the profile says that it was tried
  bool takes_older = false;      ///< an older image is not refused, because the profile says that it was tried
};

struct Character {
  wire::RevertClass revert_class = wire::RevertClass::unknown;
  wire::Staging staging = wire::Staging::aside;
  std::string obstacle;         ///< when staging is impossible: why
  bool marks_for_good = false;  ///< a test could only be confirmed by halves: images are marked permanent
};

Character character_of(const BootloaderInfo& info, Circumstances circumstances);

/// "swap using move".
std::string name_of_mode(int mode);
/// "MCUboot mode 3 (swap using move), no downgrade".
std::string text_of(const BootloaderInfo& info);

}  // namespace hg::smp
