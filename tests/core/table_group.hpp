// SPDX-License-Identifier: Apache-2.0
// The words for a group: a layout "heater" of a hub, a pump and a valve, who are activated in this order or side by
// side, what each of them really is (a Flash, which does what it is told), and a GroupBench that applies events and
// shows the phases and steps of all three, in this order.
#pragma once

#include <array>
#include <functional>
#include <map>

#include "core/table_child.hpp"

namespace hg::core::table {

inline const ChildId kHub = "hub";
inline const ChildId kPump = "pump";
inline const ChildId kValve = "valve";
inline const std::array<ChildId, 3> kMembers{kHub, kPump, kValve};
inline const GroupId kHeater = "heater-1";
inline const DeliverableId kGoesBack = "d0";  ///< brings the old image again

/// What a child really is: two slots, a mark, and whether what runs is there for good.
struct Flash {
  RevertClass revert_class = RevertClass::self_reverting;
  Digest runs = kOld;
  Digest other{};
  bool is_confirmed = true;
  bool is_marked = false;
  bool refuses_new = false;         ///< its bootloader takes no image that it does not run
  bool confirms_by_itself = false;  ///< though it is said to be self-reverting

  [[nodiscard]] Inspection says() const {
    Inspection seen = with({slot(0, runs, is_confirmed ? "ac" : "a")});
    if (!other.empty()) seen.slots.push_back(slot(1, other, is_marked ? "p" : is_confirmed ? "" : "c"));
    seen.revert_class = revert_class;
    return seen;
  }

  /// Any reset, asked for or not.
  void boot() {
    const bool is_to_swap = std::exchange(is_marked, false);
    if (is_to_swap && !refuses_new) {
      std::swap(runs, other);
      if (revert_class == RevertClass::reinstall) other = {};  // overwritten
      is_confirmed = revert_class != RevertClass::self_reverting || confirms_by_itself;
    } else if (!is_confirmed) {
      std::swap(runs, other);
      is_confirmed = true;
    }
  }
  void mark(const Digest& goal) { is_marked = runs != goal && other == goal; }
  void activate(const Digest& goal) {
    mark(goal);
    boot();
  }
  void revert(const Digest& goal) {
    if (is_marked) return boot();
    if (!is_confirmed) return boot();
    const bool takes_older = revert_class == RevertClass::swap_back || revert_class == RevertClass::reinstall;
    if (!takes_older && !confirms_by_itself) return;
    const bool refused = std::exchange(refuses_new, false);
    activate(goal);
    refuses_new = refused;
  }
  void receive(const Digest& image) {
    if (runs == image) return;
    other = image;
    is_marked = false;
    if (revert_class == RevertClass::unstageable && !refuses_new) std::swap(runs, other);
  }
  [[nodiscard]] bool rests_on(const Digest& image) const { return runs == image && is_confirmed && !is_marked; }
};

inline Enrollment member_enrollment(const ChildId& id) {
  Enrollment e = enrollment();
  e.id = id;
  return e;
}

inline Layout layout(std::array<unsigned, 3> order) {
  Layout result{"heater", {}};
  for (std::size_t i = 0; i < kMembers.size(); ++i) result.roles.push_back({kMembers[i], {1}, {2}, 1, order[i]});
  return result;
}

inline Group heater() {
  return {kHeater, "heater", {{kHub, kHub}, {kPump, kPump}, {kValve, kValve}}, {}, true};
}

inline const std::array<unsigned, 3> kInOrder{0, 1, 2};
inline const std::array<unsigned, 3> kSideBySide{0, 0, 0};

class GroupBench {
 public:
  explicit GroupBench(std::array<unsigned, 3> order = kInOrder, std::map<ChildId, RevertClass> classes = {}) {
    for (const ChildId& id : kMembers) {
      flash[id].revert_class = classes.contains(id) ? classes.at(id) : RevertClass::self_reverting;
      post(ChildEnrolled{member_enrollment(id)});
    }
    post(DeliverableSealed{deliverable()});
    Deliverable back = deliverable();
    back.id = kGoesBack;
    back.images[0].digest = digest_of('B');
    back.images[0].running_digest = kOld;
    post(DeliverableSealed{back});
    post(LayoutsSaid{{layout(order)}});
    post(GroupFormed{heater()});
  }

  Output post(const Event& event) {
    Output out = apply(state, event, now);
    for (const Change& change : out.changes)
      if (std::holds_alternative<PutHistory>(change)) history.push_back(std::get<PutHistory>(change));
    if (watch) watch();
    return out;
  }

  Child& child(const ChildId& id) { return state.children.at(id); }
  Update& update(const ChildId& id) { return *child(id).update; }
  Reason reason(const ChildId& id) { return update(id).cause.reason; }
  std::string phase(const ChildId& id) { return child(id).update ? std::string(name_of(update(id).phase)) : ""; }
  std::string step(const ChildId& id) { return std::string(name_of(child(id).step)); }
  Decision decision() { return update(kHub).decision; }

  /// One word if all are the same, else one for each, in the order of the roles.
  std::string phases() {
    return of_all([&](const ChildId& id) { return phase(id); });
  }
  std::string steps() {
    return of_all([&](const ChildId& id) { return step(id); });
  }
  std::string decisions() {
    return of_all([&](const ChildId& id) { return std::string(name_of(update(id).decision)); });
  }
  /// What really runs.
  std::string truth() {
    return of_all([&](const ChildId& id) {
      const Flash& f = flash.at(id);
      return std::string(f.rests_on(kNew) ? "new" : f.rests_on(kOld) ? "old" : f.runs == kNew ? "new?" : "old?");
    });
  }

  void link(const ChildId& id, bool up) { post(LinkChanged{id, up, up ? "" : "unplugged"}); }
  void link_all() {
    for (const ChildId& id : kMembers) link(id, true);
  }
  Output answer(const ChildId& id, StepAnswer answer) {
    return post(StepEnded{id, child(id).step_number, std::move(answer)});
  }
  Output says(const ChildId& id, const Inspection& seen) { return answer(id, seen); }
  Output fails(const ChildId& id, Errc code = Errc::timed_out) {
    return answer(id, StepFailed{Error{code, "said the test"}});
  }
  Output start(const DeliverableId& deliverable = kDeliverable) {
    return post(RolloutRequested{deliverable, {}, 1000, false, {kHeater}});
  }
  Output abort(const ChildId& id) { return post(UpdateAborted{update(id).epoch}); }
  Output resolve(const ChildId& id, Resolution how, const ChildId& replacement = {}) {
    return post(SplitResolved{kHeater, id, how, replacement, 1000});
  }

  /// The Flash does what the step wants, without a word. Whether there was something to do.
  bool carry_out(const ChildId& id) {
    Flash& f = flash.at(id);
    const Step& wanted = child(id).step;
    if (const auto* order = std::get_if<Deliver>(&wanted)) return f.receive(order->after), true;
    if (const auto* order = std::get_if<Activate>(&wanted)) {
      if (!holds(f, order->moves.at(0).active)) return false;
      return f.activate(order->moves.at(0).goal), true;
    }
    if (const auto* order = std::get_if<Revert>(&wanted)) {
      if (!holds(f, order->moves.at(0).active)) return false;
      return f.revert(order->moves.at(0).goal), true;
    }
    if (const auto* order = std::get_if<Confirm>(&wanted)) {
      if (order->guards.empty() || !holds(f, order->guards.at(0).active)) return false;
      return f.is_confirmed = true, true;
    }
    return true;
  }

  /// What the member says when it has carried out its step, or could not.
  StepAnswer report(const ChildId& id, bool was_carried_out) {
    const Step& wanted = child(id).step;
    if (std::holds_alternative<Offer>(wanted)) return OfferAnswer{};
    if (std::holds_alternative<Backup>(wanted)) return BackedUp{};
    if (std::holds_alternative<Deliver>(wanted)) return Delivered{};
    if (std::holds_alternative<Restore>(wanted)) return Restored{};
    if (std::holds_alternative<Inspect>(wanted)) return flash.at(id).says();
    if (was_carried_out) return Ordered{flash.at(id).says()};
    return GuardFailed{flash.at(id).says()};
  }

  bool has_work(const ChildId& id) {
    return !std::holds_alternative<Idle>(child(id).step) && !std::holds_alternative<Wait>(child(id).step);
  }

  /// The member does what it is told, and says so.
  void obey(const ChildId& id) {
    const bool was_carried_out = carry_out(id);
    answer(id, report(id, was_carried_out));
  }

  /// All do what they are told until nobody is told anything, or `is_there`. Whether it is.
  bool run(const std::function<bool()>& is_there = [] { return false; }) {
    for (int i = 0; i < 200; ++i) {
      bool was_anything = false;
      for (const ChildId& id : kMembers) {
        if (is_there()) return true;
        if (!has_work(id)) continue;
        obey(id);
        was_anything = true;
      }
      if (!was_anything) return is_there();
    }
    return is_there();
  }

  /// The first of the times that somebody waits for comes, for all who wait for it. Whether there is one.
  bool pass_time() {
    Instant first = Instant::max();
    for (const ChildId& id : kMembers)
      if (const Wait* wait = std::get_if<Wait>(&child(id).step)) first = std::min(first, wait->at);
    if (first == Instant::max()) return false;
    now = std::max(now, first);
    for (const ChildId& id : kMembers) {
      const Wait* wait = std::get_if<Wait>(&child(id).step);
      if (wait != nullptr && wait->at <= now) post(TimePassed{id, child(id).step_number});
    }
    return true;
  }
  /// The same until all waits are over or `is_there`.
  bool run_on(const std::function<bool()>& is_there, int most = 200) {
    for (int i = 0; i < most; ++i) {
      if (run(is_there)) return true;
      if (!pass_time()) return is_there();
    }
    return is_there();
  }

  /// As if the daemon had been killed: only what is persisted stays. No link is there yet.
  void restart() {
    resume(state, now);
    for (const ChildId& id : kMembers) {
      child(id).enrolled = false;
      post(ChildEnrolled{child(id).enrollment});
    }
  }

  /// The good way, until one of them is told to do that in this phase.
  bool go_to(const ChildId& id, Phase where) {
    if (!child(kHub).online) link_all();
    if (!child(kHub).update) {
      run();
      start();
    }
    const std::string name(name_of(where));
    return run([&] { return phase(id) == name; });
  }
  bool go_to_decision(Decision where) {
    if (!child(kHub).online) link_all();
    if (!child(kHub).update) start();
    return run([&] { return decision() == where; });
  }

  State state;
  Instant now = kNow;
  std::map<ChildId, Flash> flash;
  std::vector<PutHistory> history;
  std::function<void()> watch;  ///< after each event

 private:
  static bool holds(const Flash& f, const Digest& active) { return f.runs == active; }

  static std::string of_all(const std::function<std::string(const ChildId&)>& word) {
    const std::string first = word(kHub);
    if (word(kPump) == first && word(kValve) == first) return first;
    return first + " " + word(kPump) + " " + word(kValve);
  }
};

}  // namespace hg::core::table
