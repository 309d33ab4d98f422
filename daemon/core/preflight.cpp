// SPDX-License-Identifier: Apache-2.0
#include "core/preflight.hpp"

#include <algorithm>

namespace hg::core {

std::vector<const Image*> fitting_images(const Deliverable& deliverable, const Enrollment& child) {
  std::vector<const Image*> fitting;
  for (const Image& image : deliverable.images)
    if (image.vendor == child.vendor && image.device_class == child.device_class && image.component == child.target)
      fitting.push_back(&image);
  return fitting;
}

const Image* image_of(const State& state, const Update& update) {
  const auto deliverable = state.deliverables.find(update.deliverable);
  if (deliverable == state.deliverables.end()) return nullptr;
  const auto image = std::ranges::find(deliverable->second.images, update.image, &Image::digest);
  return image == deliverable->second.images.end() ? nullptr : &*image;
}

std::variant<const Image*, Cause> choose_image(const Deliverable& deliverable, const Child& child) {
  const auto fitting = fitting_images(deliverable, child.enrollment);
  if (fitting.empty())
    return Cause{Reason::does_not_fit, "the deliverable has no image for this child's vendor, class and target"};
  const auto has_slot = [](const Image* image) { return image->slot.has_value(); };
  if (std::ranges::any_of(fitting, has_slot))
    return Cause{Reason::slot_unknown, "the deliverable's image is for one slot of target " + child.enrollment.target +
                                           ", and the child does not tell its slots"};
  if (fitting.size() > 1)
    return Cause{Reason::ambiguous, "the deliverable has several images for target " + child.enrollment.target};
  const Image& image = *fitting.front();
  if (!image.encrypted && child.enrollment.link != LinkProtection::internal)
    return Cause{Reason::no_protection,
                 "the image is plain and the child's link is not declared internal in the configuration"};
  if (image.running_digest.empty())
    return Cause{Reason::cannot_verify, "not an image whose digest the child would report (MCUboot)"};
  return &image;
}

Cause check_slots(const Inspection& seen, const Enrollment& child, const Image& image) {
  if (seen.active(child.image_number) == nullptr)
    return {Reason::cannot_verify,
            "the child does not say which image " + std::to_string(child.image_number) + " runs"};
  if (seen.active(child.image_number)->digest.empty())
    return {Reason::cannot_verify, "the child does not say the digest of the image it runs"};
  const auto same_elsewhere = [&](const Slot& slot) {
    return slot.image != child.image_number && slot.digest == image.running_digest;
  };
  if (std::ranges::any_of(seen.slots, same_elsewhere))
    return {Reason::same_as_other, "another image number holds the same digest; the child could mark the wrong one"};
  return {};
}

}  // namespace hg::core
