// SPDX-License-Identifier: Apache-2.0
#include "core/preflight.hpp"

#include <algorithm>
#include <functional>

#include "base/version_mark.hpp"
#include "core/content_keys.hpp"
#include "core/protection_judgement.hpp"
#include "core/standing.hpp"

namespace hg::core {

namespace {

std::vector<const Image*> images_called(const Deliverable& deliverable, const Enrollment& child,
                                        const std::string& component) {
  std::vector<const Image*> fitting;
  for (const Image& image : deliverable.images)
    if (image.vendor == child.vendor && image.device_class == child.device_class && image.component == component)
      fitting.push_back(&image);
  return fitting;
}

std::vector<const Image*> images_for(const Deliverable& deliverable, const Child& child, const Target& target) {
  if (!child.role.empty()) {
    auto for_the_role = images_called(deliverable, child.enrollment, child.role + "/" + target.name);
    if (!for_the_role.empty()) return for_the_role;
  }
  return images_called(deliverable, child.enrollment, target.name);
}

/// What stands against an image for other reasons than that it does not fit.
using Objects = std::function<Cause(const Image&)>;

Cause has_none(const Image&) {
  return {};
}

Cause cannot_tell(const Child& child) {
  if (child.seen && child.seen->evidence == Evidence::version)
    return {Reason::cannot_verify,
            "the child tells nothing but its version, and the image has none: the manifest must say it"};
  return {Reason::cannot_verify, "not an image whose digest the child would report (MCUboot)"};
}

/// The one image for a target, or why none of the fitting ones can be used.
std::variant<const Image*, Cause> choose_image(const std::vector<const Image*>& fitting, const Child& child,
                                               const Target& target, const Objects& objects) {
  const auto has_slot = [](const Image* image) { return image->slot.has_value(); };
  if (std::ranges::any_of(fitting, has_slot))
    return Cause{Reason::slot_unknown, "the deliverable's image is for one slot of target " + target.name +
                                           ", and the child does not tell its slots"};
  if (fitting.size() > 1)
    return Cause{Reason::ambiguous, "the deliverable has several images for target " + target.name};
  const Image& image = *fitting.front();
  if (Cause cause = objects(image); cause.reason != Reason::none) return cause;
  if (listed_for(image, target.image_number, child).empty()) return cannot_tell(child);
  return &image;
}

std::variant<std::vector<Part>, Cause> choose(const Deliverable& deliverable, const Child& child,
                                              const Objects& objects) {
  std::vector<Part> parts;
  for (const Target& target : child.enrollment.targets) {
    const auto fitting = images_for(deliverable, child, target);
    if (fitting.empty()) continue;  // this one is left alone
    const auto choice = choose_image(fitting, child, target, objects);
    if (const Cause* cause = std::get_if<Cause>(&choice)) return *cause;
    const Image& image = *std::get<const Image*>(choice);
    const Digest after = listed_for(image, target.image_number, child);
    if (std::ranges::find(parts, after, &Part::after) != parts.end())
      return Cause{Reason::same_as_other, "two targets get the same image; the child could mark the wrong one"};
    parts.push_back({target.image_number, image.digest, {}, after});
  }
  if (parts.empty())
    return Cause{Reason::does_not_fit, "the deliverable has no image for this child's vendor, class and targets"};
  std::ranges::sort(parts, {}, &Part::image_number);
  return parts;
}

Cause check_active(const Inspection& seen, std::uint8_t number) {
  const Slot* active = seen.active(number);
  if (active == nullptr)
    return {Reason::cannot_verify, "the child does not say which image " + std::to_string(number) + " runs"};
  if (active->digest.empty()) return {Reason::cannot_verify, "the child does not say the digest of the image it runs"};
  return {};
}

}  // namespace

Digest listed_for(const Image& image, std::uint8_t number, const Child& child) {
  switch (child.seen ? child.seen->evidence : Evidence::digest) {
    case Evidence::version:
      return version_mark(number, image.version);
    case Evidence::result:
      return image.digest;
    case Evidence::digest:
      break;
  }
  return image.running_digest;
}

std::vector<const Image*> fitting_images(const Deliverable& deliverable, const Child& child) {
  std::vector<const Image*> fitting;
  for (const Target& target : child.enrollment.targets)
    std::ranges::copy(images_for(deliverable, child, target), std::back_inserter(fitting));
  return fitting;
}

const Image* image_of(const State& state, const Update& update, const Part& part) {
  const auto deliverable = state.deliverables.find(update.deliverable);
  if (deliverable == state.deliverables.end()) return nullptr;
  const auto image = std::ranges::find(deliverable->second.images, part.image, &Image::digest);
  return image == deliverable->second.images.end() ? nullptr : &*image;
}

std::variant<std::vector<Part>, Cause> choose_parts(const State& state, const Deliverable& deliverable,
                                                    const Child& child, Instant now) {
  return choose(deliverable, child, [&](const Image& image) {
    Cause cause = protected_by(state, child, image).cause;
    const bool is_to_be_made = is_rewrapped(state, child, image) && view_for(state, child, image) == nullptr;
    if (cause.reason == Reason::none && is_to_be_made) cause = judge_grant(state, *held_key(state, image.digest), now);
    return cause;
  });
}

const Image* rollback_image(const State& state, const Child& child, const Part& part) {
  const auto committed = state.deliverables.find(child.committed);
  if (committed == state.deliverables.end() || part.before.empty()) return nullptr;
  for (const Target& target : child.enrollment.targets) {
    if (target.image_number != part.image_number) continue;
    const auto fitting = images_for(committed->second, child, target);
    if (fitting.empty()) return nullptr;
    const auto is_protected = [&](const Image& image) { return protected_by(state, child, image).cause; };
    const auto choice = choose_image(fitting, child, target, is_protected);
    const auto* image = std::get_if<const Image*>(&choice);
    const bool is_that = image != nullptr && listed_for(**image, part.image_number, child) == part.before;
    return is_that ? *image : nullptr;
  }
  return nullptr;
}

bool may_be_reinstalled(const State& state, const Child& child) {
  return revert_class_of(child) == RevertClass::reinstall &&
         std::ranges::all_of(child.update->parts, [&](const Part& part) {
           return !changes(part) || rollback_image(state, child, part) != nullptr;
         });
}

bool runs_all_of(const Deliverable& deliverable, const Child& child) {
  if (!child.seen) return false;
  const auto choice = choose(deliverable, child, has_none);
  const auto* parts = std::get_if<Parts>(&choice);
  return parts != nullptr && rests_on_new(*child.seen, *parts);
}

bool are_parts_still_chosen(const State& state, const Child& child) {
  const auto deliverable = state.deliverables.find(child.update->deliverable);
  if (deliverable == state.deliverables.end()) return false;
  // What its link is, nobody knows while it is away; what is encrypted is judged when it is sent.
  const LinkSecurity link = child.online ? child.link_security : LinkSecurity::proven;
  const auto is_protected = [&](const Image& image) {
    return image.encrypted ? Cause{} : protected_by(state, child, image, link).cause;
  };
  const auto choice = choose(deliverable->second, child, is_protected);
  const auto* chosen = std::get_if<std::vector<Part>>(&choice);
  const auto is_same = [](const Part& a, const Part& b) {
    return a.image_number == b.image_number && a.image == b.image && a.after == b.after;
  };
  return chosen != nullptr && std::ranges::equal(child.update->parts, *chosen, is_same);
}

Cause check_slots(const Inspection& seen, const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    if (Cause cause = check_active(seen, part.image_number); !seen.is_in_recovery() && cause.reason != Reason::none)
      return cause;
    const auto same_elsewhere = [&](const Slot& slot) {
      return slot.image != part.image_number && slot.digest == part.after;
    };
    if (std::ranges::any_of(seen.slots, same_elsewhere))
      return {Reason::same_as_other, "another image number holds the same digest; the child could mark the wrong one"};
  }
  return {};
}

Cause check_staging(const Inspection& seen) {
  switch (seen.staging) {
    case Staging::aside:
      return {};
    case Staging::in_place:
      if (seen.is_in_recovery()) return {};
      return {Reason::not_stageable, "an image would overwrite the one that runs"};
    case Staging::impossible:
      break;
  }
  return {Reason::not_stageable, seen.obstacle.empty() ? "the child has no place for an image" : seen.obstacle};
}

}  // namespace hg::core
