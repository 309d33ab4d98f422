// SPDX-License-Identifier: Apache-2.0
#include "smp/bootloader.hpp"

#include <array>
#include <string_view>

namespace hg::smp {
namespace {

using wire::RevertClass;

struct Mode {
  std::string_view name;
  RevertClass revert_class;
  std::string_view obstacle;  // empty: images go into the other slot
};

constexpr std::array<Mode, 10> kModes = {{
    {"single slot", RevertClass::unstageable,
     "the child has one slot and its application runs: it takes an image only in its bootloader's recovery"},
    {"swap using scratch", RevertClass::self_reverting, ""},
    {"overwrite only", RevertClass::irrevocable, ""},
    {"swap using move", RevertClass::self_reverting, ""},
    {"direct XIP", RevertClass::irrevocable, "the child runs images where they stand (direct XIP): not supported"},
    {"direct XIP with revert", RevertClass::self_reverting,
     "the child runs images where they stand (direct XIP with revert): not supported"},
    {"RAM load", RevertClass::unknown, "the child loads its images into RAM: not supported"},
    {"firmware loader", RevertClass::unknown, "the child is updated by a firmware loader of its own: not supported"},
    {"single slot RAM load", RevertClass::unstageable, "the child loads its one image into RAM: not supported"},
    {"swap using offset", RevertClass::self_reverting, ""},
}};

const Mode* find(const std::optional<int>& mode) {
  const bool is_known = mode && *mode >= 0 && *mode < static_cast<int>(kModes.size());
  return is_known ? &kModes[static_cast<std::size_t>(*mode)] : nullptr;
}

}  // namespace

Character character_of(const BootloaderInfo& info, Circumstances circumstances) {
  if (circumstances.is_recovery) return {RevertClass::unstageable, wire::Staging::in_place, {}, false};
  const Mode* const mode = find(info.mode);
  if (mode == nullptr) return {};
  Character character;
  character.revert_class = mode->revert_class;
  if (!mode->obstacle.empty()) {
    character.staging = wire::Staging::impossible;
    character.obstacle = mode->obstacle;
  } else if (mode->revert_class == RevertClass::self_reverting && circumstances.images > 1 &&
             !circumstances.can_confirm_all) {
    character.revert_class = RevertClass::irrevocable;
    character.marks_for_good = true;
  } else if (mode->revert_class == RevertClass::irrevocable && circumstances.takes_older && !info.no_downgrade) {
    character.revert_class = RevertClass::reinstall;
  }
  return character;
}

std::string name_of_mode(int mode) {
  const Mode* const known = find(mode);
  return known == nullptr ? "unknown" : std::string(known->name);
}

std::string text_of(const BootloaderInfo& info) {
  std::string text = wire::bounded_text(info.name);
  if (info.mode) {
    text += (text.empty() ? "mode " : " mode ") + std::to_string(*info.mode) + " (" + name_of_mode(*info.mode) + ")";
  }
  if (info.no_downgrade) text += ", no downgrade";
  return text;
}

}  // namespace hg::smp
