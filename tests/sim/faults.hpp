// SPDX-License-Identifier: Apache-2.0
// What a scenario does to a fleet: all faults, how often they strike, and of what kinds the children are. Read from
// scenarios/*.toml; a key that is not known is an error.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace hg::sim {

/// A mean time of zero: it never happens. What strikes children does so to each of them once in that time.
struct Faults {
  Duration until{};                ///< then the faults stop, and all must come to its end
  unsigned rollouts = 0;           ///< of each product, in that time
  Duration cloud_outage{};         ///< rollouts come up to this late
  bool must_confirm = false;       ///< nothing goes wrong, so that every update must end confirmed
  std::vector<std::string> shows;  ///< what must have come about in 400 children, or the scenario proves nothing

  // Of what kinds the children are, in a thousand. The rest take a new image back by a reset.
  unsigned swap_back = 0;
  unsigned self_confirming = 0;  ///< says that it reverts by itself, and confirms itself
  unsigned reinstall = 0;        ///< overwrites, and takes an older image again
  unsigned irrevocable = 0;
  unsigned unstageable = 0;
  unsigned unknown = 0;  ///< does not tell
  unsigned in_groups = 0;
  unsigned with_window = 0;  ///< takes an unconfirmed image back after a time
  unsigned without_boot_counter = 0;
  unsigned with_keys = 0;  ///< images are wrapped for it, and it identifies itself. On floor 1, where wraps are feigned

  // What strikes children: mean times.
  Duration power_cut{};
  Duration flap{};      ///< the link goes
  Duration silence{};   ///< no answers
  Duration recovery{};  ///< held in its bootloader's recovery at the next start
  Duration busy{};
  Duration refusal{};       ///< its bootloader erases what is marked
  Duration lie{};           ///< the next mark or confirm is said to be done, and is not
  Duration foreign_mark{};  ///< somebody marks the image in its other slot
  Duration lasts{};         ///< how long such a thing lasts, at most
  unsigned deaths = 0;      ///< of a thousand children, for ever

  // What strikes an order, in a thousand.
  unsigned lost_order = 0;
  unsigned lost_answer = 0;
  unsigned duplicated = 0;
  unsigned refused_order = 0;
  unsigned late_offer = 0;
  Duration delay{};  ///< beside the usual, at most

  // What strikes the gateway: mean times.
  Duration crash{};
  Duration disk_full{};
  Duration clock_jump{};

  // What its operator does: mean times.
  unsigned forced = 0;  ///< of a thousand rollouts
  Duration abort{};
  Duration resolve{};     ///< of groups that are split
  Duration rotation{};    ///< another key for a child that has some
  unsigned expiring = 0;  ///< of a thousand content keys: granted for two hours at most
  Duration regroup{};     ///< dissolves a group and forms it again, asks for a repair

  static Result<Faults> read(const std::filesystem::path& path);
};

}  // namespace hg::sim
