// SPDX-License-Identifier: Apache-2.0
// The words that the engine's tables are written in: one child "boiler" that runs 1.0.0, one deliverable with 2.0.0,
// what the child can say of itself, and a Bench that applies events and shows the phase and the step that follow.
#pragma once

#include <string>

#include "core/engine.hpp"

namespace hg::core::table {

inline Digest digest_of(char c) {
  const Bytes bytes(32, static_cast<std::uint8_t>(c));
  return *Digest::from_bytes(bytes);
}

inline const Digest kOld = digest_of('o');
inline const Digest kNew = digest_of('n');
inline const Digest kOther = digest_of('x');
inline const Digest kBlob = digest_of('b');
inline const DeliverableId kDeliverable = "d1";
inline const ChildId kBoiler = "boiler";
inline const PermitId kPermit(32, '7');
inline const Instant kNow{std::chrono::hours{24 * 365 * 50}};

inline Slot slot(std::uint8_t number, const Digest& digest, std::string_view flags) {
  Slot result;
  result.slot = number;
  result.version = digest == kOld ? "1.0.0" : "2.0.0";
  result.digest = digest;
  result.bootable = true;
  for (const char flag : flags) {
    if (flag == 'a') result.active = true;
    if (flag == 'c') result.confirmed = true;
    if (flag == 'p') result.pending = true;
  }
  return result;
}

inline Inspection with(std::vector<Slot> slots) {
  Inspection seen;
  seen.slots = std::move(slots);
  return seen;
}

/// smp.md 4.7, row by row.
inline Inspection normal() {
  return with({slot(0, kOld, "ac")});
}
inline Inspection uploaded() {
  return with({slot(0, kOld, "ac"), slot(1, kNew, "")});
}
inline Inspection marked() {
  return with({slot(0, kOld, "ac"), slot(1, kNew, "p")});
}
inline Inspection under_test() {
  return with({slot(0, kNew, "a"), slot(1, kOld, "c")});
}
inline Inspection after_confirm() {
  return with({slot(0, kNew, "ac"), slot(1, kOld, "")});
}
inline Inspection after_revert() {
  return with({slot(0, kOld, "ac"), slot(1, kNew, "")});
}
inline Inspection only_new() {
  return with({slot(0, kNew, "ac")});
}
inline Inspection other() {
  return with({slot(0, kOther, "ac")});
}
inline Inspection foreign_mark() {
  return with({slot(0, kOld, "ac"), slot(1, kOther, "p")});
}
inline Inspection foreign_test() {
  return with({slot(0, kOther, "a"), slot(1, kOld, "c")});
}
inline Inspection silent_about_active() {
  return with({slot(0, kOld, "c")});
}

inline Enrollment enrollment() {
  Enrollment e;
  e.id = kBoiler;
  e.transport = "serial";
  e.vendor = {1};
  e.device_class = {2};
  e.link = LinkProtection::internal;
  return e;
}

inline Deliverable deliverable() {
  Deliverable d;
  d.id = kDeliverable;
  d.product = "boiler";
  d.sequence = 7;
  d.version = "2.0.0";
  d.images.push_back(Image{"app", {1}, {2}, kBlob, 4096, "2.0.0", kNew, false});
  return d;
}

/// From sequence 9, which the tests let the child have confirmed, to the deliverable's.
inline Permit permit() {
  return {kPermit, "boiler", 9, 7, kBoiler, kNow + std::chrono::hours{24 * 365}, "vendor", {}};
}

/// Lists the deliverable, for a week.
inline Head head(std::uint64_t version = 1) {
  return {"stable", version, kNow, kNow + std::chrono::hours{24 * 7}, {{"boiler", 7, kDeliverable, 0}}};
}

class Bench {
 public:
  Bench() {
    post(ChildEnrolled{enrollment()});
    post(DeliverableSealed{deliverable()});
  }

  Output post(const Event& event) {
    Output out = apply(state, event, now);
    for (const Change& change : out.changes)
      if (std::holds_alternative<PutHistory>(change)) history.push_back(std::get<PutHistory>(change));
    changes.insert(changes.end(), out.changes.begin(), out.changes.end());
    return out;
  }

  Child& child() { return state.children.at(kBoiler); }
  Update& update() { return *child().update; }

  void link(bool up) { post(LinkChanged{kBoiler, up, up ? "" : "unplugged"}); }
  Output answer(StepAnswer answer) { return post(StepEnded{kBoiler, child().step_number, std::move(answer)}); }
  Output says(const Inspection& seen) { return answer(seen); }
  Output fails(Errc code) { return answer(StepFailed{Error{code, "said the test"}}); }
  Output start(std::vector<ChildId> children = {kBoiler}) {
    return post(RolloutRequested{kDeliverable, std::move(children), 1000});
  }

  /// The time that the step waits for comes.
  void wait_out() {
    const Wait* wait = std::get_if<Wait>(&child().step);
    if (wait == nullptr) return;
    if (wait->at > now) now = wait->at;
    post(TimePassed{kBoiler, child().step_number});
  }

  /// As if the daemon had been killed: only what is persisted stays.
  void restart() {
    resume(state, now);
    child().enrolled = false;
    post(ChildEnrolled{child().enrollment});
    link(true);
  }

  /// Brings the update to the named point along the good way.
  void go_to(Phase phase) {
    link(true);
    says(normal());
    start();
    go_on_to(phase);
  }

  /// The same from preflight, where go_to() or a further attempt has brought it.
  void go_on_to(Phase phase) {
    if (phase == Phase::preflight) return;
    says(normal());
    if (phase == Phase::offered) return;
    answer(OfferAnswer{});
    if (phase == Phase::backing_up) return;
    answer(BackedUp{});
    if (phase == Phase::transferring) return;
    answer(Delivered{});
    if (phase == Phase::staged) return;
    says(uploaded());
    if (phase == Phase::activating) return;
    answer(Ordered{under_test()});
    if (phase == Phase::testing) return;
    answer(Ordered{after_confirm()});
  }

  /// A child that stands at `phase` and does all that it is told, until it is confirmed or 20 steps are over.
  void obey_to_the_end(Phase from) {
    Inspection truth = from == Phase::testing ? under_test() : from < Phase::staged ? normal() : uploaded();
    for (int i = 0; i < 20 && phase() != "confirmed"; ++i) {
      const std::string asked = step();
      if (asked == "inspect") says(truth);
      if (asked == "offer") answer(OfferAnswer{});
      if (asked == "backup") answer(BackedUp{});
      if (asked == "deliver") truth = uploaded(), answer(Delivered{});
      if (asked == "activate") truth = under_test(), answer(Ordered{truth});
      if (asked == "confirm") truth = after_confirm(), answer(Ordered{truth});
    }
  }

  /// Brings the update to BACK: aborted under test.
  void go_to_reverting() {
    go_to(Phase::activating);
    post(UpdateAborted{update().epoch});
  }

  std::string step() { return std::string(name_of(child().step)); }
  std::string phase() { return std::string(name_of(update().phase)); }

  State state;
  Instant now = kNow;
  std::vector<PutHistory> history;
  std::vector<Change> changes;  ///< all, in order
};

}  // namespace hg::core::table
