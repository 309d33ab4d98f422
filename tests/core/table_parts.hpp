// SPDX-License-Identifier: Apache-2.0
// The words for a child with two images that change at one reset: what it can say of both, and a Bench whose boiler has
// a target "app" (image 0, "old" to "new") and a target "radio" (image 1, "radio old" to "radio new"). And what a child
// says that is in its bootloader's recovery.
#pragma once

#include "core/standing.hpp"
#include "core/table_child.hpp"

namespace hg::core::table {

inline const Digest kRadioOld = digest_of('p');
inline const Digest kRadioNew = digest_of('m');
inline const Digest kRadioBlob = digest_of('q');

/// The slots of image 1.
inline Slot radio(std::uint8_t number, const Digest& digest, std::string_view flags) {
  Slot result = slot(number, digest, flags);
  result.image = 1;
  return result;
}

/// What the two say together.
inline Inspection both(Inspection app, std::vector<Slot> radio) {
  app.slots.insert(app.slots.end(), radio.begin(), radio.end());
  app.revert_class = RevertClass::self_reverting;
  return app;
}

inline std::vector<Slot> radio_normal() {
  return {radio(0, kRadioOld, "ac")};
}
inline std::vector<Slot> radio_uploaded() {
  return {radio(0, kRadioOld, "ac"), radio(1, kRadioNew, "")};
}
inline std::vector<Slot> radio_marked() {
  return {radio(0, kRadioOld, "ac"), radio(1, kRadioNew, "p")};
}
inline std::vector<Slot> radio_under_test() {
  return {radio(0, kRadioNew, "a"), radio(1, kRadioOld, "c")};
}
inline std::vector<Slot> radio_confirmed() {
  return {radio(0, kRadioNew, "ac"), radio(1, kRadioOld, "")};
}
inline std::vector<Slot> radio_only_new() {
  return {radio(0, kRadioNew, "ac")};
}
inline std::vector<Slot> radio_other() {
  return {radio(0, kOther, "ac")};
}

/// MCUboot's serial recovery: it lists what stands there, runs nothing, and takes an image in its place.
inline Inspection in_recovery(std::vector<Slot> slots = {slot(0, kOld, "")}) {
  Inspection seen = with(std::move(slots));
  seen.staging = Staging::in_place;
  seen.revert_class = RevertClass::unstageable;
  return seen;
}

inline Enrollment two_targets() {
  Enrollment e = enrollment();
  e.targets = {{"app", 0}, {"radio", 1}};
  return e;
}

inline Deliverable two_images() {
  Deliverable d = deliverable();
  d.images.push_back(Image{"radio", {1}, {2}, kRadioBlob, 1000, "2.0.0", kRadioNew, false});
  return d;
}

class Bench2 : public Bench {
 public:
  Bench2() {
    post(ChildEnrolled{two_targets()});
    state.deliverables.at(kDeliverable) = two_images();
  }

  /// Brings the update to the named point along the good way.
  void go_to(Phase phase) {
    link(true);
    start();
    if (phase == Phase::preflight) return;
    says(both(normal(), radio_normal()));
    if (phase == Phase::offered) return;
    answer(OfferAnswer{});
    if (phase == Phase::backing_up) return;
    answer(BackedUp{});
    if (phase == Phase::transferring) return;
    answer(Delivered{});
    answer(Delivered{});
    if (phase == Phase::staged) return;
    says(both(uploaded(), radio_uploaded()));
    if (phase == Phase::activating) return;
    answer(Ordered{both(under_test(), radio_under_test())});
    if (phase == Phase::testing) return;
    answer(Ordered{both(after_confirm(), radio_confirmed())});
  }

  void go_to_reverting() {
    go_to(Phase::activating);
    post(UpdateAborted{update().epoch});
  }
};

}  // namespace hg::core::table
