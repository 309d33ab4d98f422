// SPDX-License-Identifier: Apache-2.0
// What a child says of itself when it is asked: its slots, and how it may be treated. The child is believed, not the
// notebook; what follows from it for an update is core/standing's and core/turn's. Filled by adapters/transport.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/time.hpp"

namespace hg::core {

/// One slot of one image number, as the child lists it (reference smp.md 4.1).
struct Slot {
  std::uint8_t image = 0;
  std::uint8_t slot = 0;
  std::string version;
  Digest digest;
  bool bootable = false;
  bool pending = false;
  bool confirmed = false;
  bool active = false;
  bool permanent = false;

  friend bool operator==(const Slot&, const Slot&) = default;
};

/// How a target gets back to the image it ran before (design, section 5), weakest last. Never guessed upward.
enum class RevertClass : std::uint8_t { unknown, self_reverting, swap_back, reinstall, irrevocable, unstageable };

/// Where an image goes that is brought to a child as it is now.
enum class Staging : std::uint8_t {
  aside,       ///< into a slot that does not run
  in_place,    ///< over what it has: the child is in its bootloader's recovery and runs nothing
  impossible,  ///< nowhere
};

enum class Power : std::uint8_t { unknown, mains, battery };

/// What the digests of a child's slots tell an image by (docs/plugin-protocol.md).
enum class Evidence : std::uint8_t {
  digest,   ///< its own digest, as the child computed it
  version,  ///< nothing but its version: version_mark()
  result,   ///< that the child says it has installed what it was brought last
};

/// What a child says of itself when asked. The child is believed, not the notebook.
struct Inspection {
  std::vector<Slot> slots;
  RevertClass revert_class = RevertClass::unknown;
  std::string bootloader;  ///< "MCUboot mode 3"; empty: the child does not tell
  std::optional<std::uint8_t> battery_percent;
  bool busy = false;  ///< the child asks not to be disturbed now
  Staging staging = Staging::aside;
  std::string obstacle;  ///< when staging is impossible: why, for people
  Duration busy_for{0};  ///< when busy: for about this long; zero: it does not say
  Power power = Power::unknown;
  std::string identity;                ///< what the child claims to be, unproven; empty: it does not say
  std::optional<std::uint64_t> boots;  ///< the child's own count of its starts
  std::string unit;                    ///< the product it says it is built into, a name; empty: it does not say
  Evidence evidence = Evidence::digest;

  [[nodiscard]] const Slot* active(std::uint8_t image) const;
  /// The slot that holds `digest` and is not the active one.
  [[nodiscard]] const Slot* standby(std::uint8_t image, const Digest& digest) const;
  [[nodiscard]] bool anything_pending(std::uint8_t image) const;
  /// Active, confirmed, and no other image of this number pending.
  [[nodiscard]] bool rests_on(std::uint8_t image, const Digest& digest) const;
  /// It runs nothing: its bootloader's recovery answers for it.
  [[nodiscard]] bool is_in_recovery() const;

  friend bool operator==(const Inspection&, const Inspection&) = default;
};

}  // namespace hg::core
