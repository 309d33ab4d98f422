// SPDX-License-Identifier: Apache-2.0
#include "core/standing.hpp"

#include <algorithm>

#include "core/preflight.hpp"

namespace hg::core {

namespace {

/// The parts whose new image does not run.
template <class Holds>
bool each_not_running(const Inspection& seen, const Parts& parts, Holds holds) {
  return std::ranges::all_of(parts, [&](const Part& part) {
    const Slot* active = seen.active(part.image_number);
    return (active != nullptr && active->digest == part.after) || holds(seen.standby(part.image_number, part.after));
  });
}

/// Of the parts that change.
std::uint64_t size_of_first(std::size_t count, const State& state, const Update& update) {
  std::uint64_t size = 0;
  for (const Part& part : update.parts) {
    if (!changes(part)) continue;
    if (count-- == 0) break;
    const Image* image = image_of(state, update, part);
    if (image != nullptr) size += image->size;
  }
  return size;
}

std::string describe(const Slot* slot) {
  if (slot == nullptr) return "nothing that it calls active";
  return (slot->version.empty() ? "an image" : slot->version) + " (" + slot->digest.hex().substr(0, 12) + ")";
}

}  // namespace

Standing standing_of(const Inspection& seen, const Parts& parts) {
  if (seen.is_in_recovery()) return Standing::nothing;
  bool all_new = true;
  bool all_old = true;
  bool all_known = true;
  for (const Part& part : parts) {
    const Slot* active = seen.active(part.image_number);
    if (active == nullptr) return Standing::untold;
    const bool is_new = active->digest == part.after;
    const bool is_old = !part.before.empty() && active->digest == part.before;
    all_new = all_new && is_new;
    all_old = all_old && is_old;
    all_known = all_known && (is_new || is_old);
  }
  if (all_new) return Standing::all_new;
  if (all_old) return Standing::as_before;
  return all_known ? Standing::mixed : Standing::third;
}

bool rests_on_new(const Inspection& seen, const Parts& parts) {
  return std::ranges::all_of(parts, [&](const Part& part) { return seen.rests_on(part.image_number, part.after); });
}

bool rests_on_old(const Inspection& seen, const Parts& parts) {
  return std::ranges::all_of(
      parts, [&](const Part& part) { return !part.before.empty() && seen.rests_on(part.image_number, part.before); });
}

bool is_at_rest(const Inspection& seen, const Parts& parts) {
  return std::ranges::all_of(parts, [&](const Part& part) {
    const Slot* active = seen.active(part.image_number);
    return active != nullptr && active->confirmed && !seen.anything_pending(part.image_number);
  });
}

bool is_staged(const Inspection& seen, const Parts& parts) {
  return each_not_running(seen, parts, [](const Slot* standby) { return standby != nullptr; });
}

bool is_marked(const Inspection& seen, const Parts& parts) {
  return is_mark_begun(seen, parts) &&
         each_not_running(seen, parts, [](const Slot* standby) { return standby != nullptr && standby->pending; });
}

bool is_mark_begun(const Inspection& seen, const Parts& parts) {
  return std::ranges::any_of(parts, [&](const Part& part) {
    const Slot* standby = seen.standby(part.image_number, part.after);
    return standby != nullptr && standby->pending;
  });
}

bool is_stuck_on_new(const Inspection& seen, const Parts& parts) {
  return std::ranges::any_of(parts, [&](const Part& part) {
    return changes(part) && seen.rests_on(part.image_number, part.after) &&
           seen.standby(part.image_number, part.before) == nullptr;
  });
}

Digest fallback_of(const Inspection& seen, std::uint8_t image) {
  const Slot* active = seen.active(image);
  if (active != nullptr && active->confirmed) return active->digest;
  const auto is_fallback = [&](const Slot& slot) { return slot.image == image && !slot.active && slot.confirmed; };
  const auto fallback = std::ranges::find_if(seen.slots, is_fallback);
  return fallback == seen.slots.end() ? Digest{} : fallback->digest;
}

bool brings_nothing(const Parts& parts) {
  return std::ranges::none_of(parts, changes);
}

bool knows_way_back(const Parts& parts) {
  return std::ranges::any_of(parts, [](const Part& part) { return changes(part) && !part.before.empty(); });
}

std::string describe(const Inspection& seen, const Parts& parts) {
  if (seen.is_in_recovery()) return "nothing: it is in its bootloader's recovery";
  if (parts.size() == 1) return describe(seen.active(parts.front().image_number));
  std::string text;
  for (const Part& part : parts)
    text.append(text.empty() ? "" : ", ")
        .append("image " + std::to_string(part.image_number) + ": " + describe(seen.active(part.image_number)));
  return text;
}

std::uint64_t size_of_change(const State& state, const Update& update) {
  return size_of_first(update.parts.size(), state, update);
}

std::uint64_t size_delivered(const State& state, const Update& update) {
  return size_of_first(update.delivered, state, update);
}

}  // namespace hg::core
