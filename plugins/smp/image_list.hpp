// SPDX-License-Identifier: Apache-2.0
// What the steps look for in a child's image list (reference smp.md, section 4.7): what runs, what waits beside it,
// what is marked. Pure; bootloader, recovery, marking, restart and updater ask it. The list itself is read by
// image_group.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "wire/frames.hpp"

namespace hg::smp {

using Slots = std::vector<wire::Slot>;

/// The slot that runs; null: none of this image number does.
const wire::Slot* active(const Slots& slots, std::uint8_t image);
/// A slot of this image number that does not run and holds `digest`; null: none.
const wire::Slot* standby(const Slots& slots, std::uint8_t image, const Digest& digest);
/// What a bootloader would start, as its recovery lists it: only what is whole. Null: empty, broken or not listed.
const wire::Slot* first_slot(const Slots& slots, std::uint8_t image);
/// The slot of another image number that holds `digest`; null: none.
const wire::Slot* elsewhere(const Slots& slots, std::uint8_t image, const Digest& digest);

bool anything_active(const Slots& slots);
/// Whether the next reset changes what runs of this image number because of a mark.
bool anything_pending(const Slots& slots, std::uint8_t image);
bool runs(const Slots& slots, std::uint8_t image, const Digest& digest);
/// It runs, stays after a reset, and nothing is marked.
bool runs_for_good(const Slots& slots, std::uint8_t image, const Digest& digest);
/// How many different image numbers are listed.
std::size_t image_count(const Slots& slots);

/// A guard holds when exactly this image runs, or, where it names none, when nothing runs at all.
bool holds(const Slots& slots, const wire::Guard& guard);
wire::Guard guard_of(const wire::Move& move);
bool all_hold(const Slots& slots, std::span<const wire::Guard> guards);
bool all_hold(const Slots& slots, std::span<const wire::Move> moves);
bool all_run(const Slots& slots, std::span<const wire::Move> moves);

/// "image 1" for messages.
std::string name_of_image(std::uint8_t image);

}  // namespace hg::smp
