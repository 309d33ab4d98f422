// SPDX-License-Identifier: Apache-2.0
// How a child stands to the images of an update, by what it says of itself: all of them taken together, in one word,
// and what else the decisions hang on. Pure questions about an inspection; what follows from the answers is
// core/turn's.
#pragma once

#include <string>
#include <vector>

#include "core/model.hpp"

namespace hg::core {

using Parts = std::vector<Part>;

/// What runs where an update's images belong. A part that does not change counts as both, old and new.
enum class Standing : std::uint8_t {
  untold,     ///< the child does not say what runs as one of the image numbers
  nothing,    ///< nothing runs: it is in its bootloader's recovery
  as_before,  ///< each runs what it ran before
  all_new,    ///< each runs its new image
  mixed,      ///< some the one, some the other
  third,      ///< one runs something else, or it is not known what ran before
};

Standing standing_of(const Inspection& seen, const Parts& parts);

/// Each part runs its new image, or the one before, and will after any reset: confirmed, nothing pending.
bool rests_on_new(const Inspection& seen, const Parts& parts);
bool rests_on_old(const Inspection& seen, const Parts& parts);

/// Nothing is marked or under test where the parts belong.
bool is_at_rest(const Inspection& seen, const Parts& parts);

/// Of the new images that do not run yet: each stands in the slot that does not run; each is marked there, and there is
/// one at least; one is marked.
bool is_staged(const Inspection& seen, const Parts& parts);
bool is_marked(const Inspection& seen, const Parts& parts);
bool is_mark_begun(const Inspection& seen, const Parts& parts);

/// A part runs its new image, confirmed, and the old one is no longer there.
bool is_stuck_on_new(const Inspection& seen, const Parts& parts);

/// What an image number goes back to when nobody does anything but reset: the confirmed image, which runs or stands in
/// the other slot. Empty: there is none.
Digest fallback_of(const Inspection& seen, std::uint8_t image);

/// Whether no part changes: the child runs all of it already.
bool brings_nothing(const Parts& parts);

/// Whether it is known of one of the parts that change what it could go back to.
bool knows_way_back(const Parts& parts);

/// What runs, for people: "1.0.0 (0011aabbccdd)", with the image number before each if there are several.
std::string describe(const Inspection& seen, const Parts& parts);

/// The bytes that the update changes on the child, and those of them that it holds already while they are on their way;
/// 0 once the deliverable is gone.
std::uint64_t size_of_change(const State& state, const Update& update);
std::uint64_t size_delivered(const State& state, const Update& update);

}  // namespace hg::core
