// SPDX-License-Identifier: Apache-2.0
#include "core/engine.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "core/baseline.hpp"
#include "core/content_keys.hpp"
#include "core/enrollment.hpp"
#include "core/groups.hpp"
#include "core/preflight.hpp"
#include "core/protection_judgement.hpp"
#include "core/transaction.hpp"
#include "core/trust_facts.hpp"
#include "core/turn.hpp"
#include "core/units.hpp"

namespace hg::core {

namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

/// Whether a reload left alone what an update under way hangs on; a changed patience interrupts nothing.
bool is_same_child(const Enrollment& a, const Enrollment& b) {
  return a.transport == b.transport && a.address == b.address && a.vendor == b.vendor &&
         a.device_class == b.device_class && a.targets == b.targets && a.link == b.link;
}

/// What others wait for may not be away for ever, but nobody could have come back while the daemon was down; and how
/// long it may take, only its configuration says.
void await_return(const State& state, Child& child, Instant now) {
  if (!child.update || !awaits_report(child)) return;
  const Duration time = activation_time(child.enrollment.patience, size_of_change(state, *child.update));
  child.update->until = std::max(child.update->until, now + time);
}

void on(State& state, const ChildEnrolled& event, Instant now, Output& out) {
  const auto [position, is_new] = state.children.try_emplace(event.enrollment.id);
  Child& child = position->second;
  forget_address(state, event.enrollment.id, {child.enrollment.transport, child.enrollment.address});
  note_address(state, event.enrollment.id, {event.enrollment.transport, event.enrollment.address});
  if (state.discovered.erase(event.enrollment.id) > 0) out.touched.push_back(event.enrollment.id);
  with_child(state, child, now, out, [&](Turn& turn) {
    const bool was_enrolled = std::exchange(child.enrolled, true);
    const Enrollment before = std::exchange(child.enrollment, event.enrollment);
    if (!was_enrolled) await_return(state, child, now);
    // Across a restart the enrollment is not remembered: what it had led to tells what has changed.
    const bool is_another =
        was_enrolled ? !is_same_child(before, child.enrollment) : child.update && !are_parts_still_chosen(state, child);
    if (!is_another) return;
    turn.forget_backup("the child was enrolled otherwise");
    child.in_doubt = true;  // it may be another board, or a link that may not carry what is on its way
    child.step = Idle{};    // what the old one was asked is given up, even if the new one is asked the same
    if (child.update && is_before_activate(child.update->phase)) turn.enrolled_otherwise();
  });
  if (is_new) out.changes.emplace_back(PutChild{child});
  out.touched.push_back(event.enrollment.id);
}

void on(State& state, const ChildDropped& event, Instant now, Output& out) {
  Child* child = find_child(state, event.child);
  if (child == nullptr) return;
  if (!child->registration)
    forget_address(state, event.child, {child->enrollment.transport, child->enrollment.address});
  with_child(state, *child, now, out, [&](Turn&) {
    child->enrolled = false;
    child->online = false;
    child->in_doubt = true;
    child->identified = Identified::no;
  });
  out.touched.push_back(event.child);
}

/// The time for a swap runs while the child can be seen: a line that was away does not prove it dead. What it was away
/// is given back, so that a line that comes and goes cannot put off BACK for ever.
void give_back_swap_time(const State& state, Child& child, Instant now) {
  if (!child.update || is_over(*child.update)) return;
  if (child.update->decision != Decision::activate && !awaits_report(child)) return;
  const Instant whole = now + activation_time(child.enrollment.patience, size_of_change(state, *child.update));
  const bool was_here_before = child.away_since != Instant{};
  const Duration away = std::max(now - child.away_since, Duration{0});
  child.update->until = was_here_before ? std::min(whole, child.update->until + away) : whole;
}

void on(State& state, const LinkChanged& event, Instant now, Output& out) {
  Child* child = find_child(state, event.child);
  if (child == nullptr) return;
  with_child(state, *child, now, out, [&](Turn& turn) {
    if (child->online && !event.up) {
      turn.link_gone();
      child->away_since = now;
    }
    if (!child->online && event.up) give_back_swap_time(state, *child, now);
    child->online = event.up;
    child->link_text = event.text;
    child->link_security = event.up ? event.security : LinkSecurity::none;
    child->identified = Identified::no;
    child->in_doubt = true;
    child->in_round = false;
    child->unanswered = 0;
    child->quiet_until = {};
  });
  out.touched.push_back(event.child);
}

void on(State& state, const AnnouncementHeard& event, Instant now, Output& out) {
  if (state.announced.contains(event.url)) return;
  if (state.announced.size() >= kMaxAnnounced) {
    out.refusal = Error{Errc::busy, "too many announcements wait already"};
    return;
  }
  state.announced.emplace(event.url, now);
  out.changes.emplace_back(PutAnnouncement{event.url, now});
}

void on(State& state, const AnnouncementSettled& event, Instant, Output& out) {
  if (state.announced.erase(event.url) > 0) out.changes.emplace_back(DropAnnouncement{event.url});
}

void on(State& state, const DeliverableSealed& event, Instant now, Output& out) {
  if (const auto held = hold_keys(state, event.keys, now, out); !held) {
    out.refusal = held.error();
    return;
  }
  const auto [position, is_new] = state.deliverables.try_emplace(event.deliverable.id, event.deliverable);
  if (is_new) out.changes.emplace_back(PutDeliverable{position->second});
}

/// What a rollout brings the deliverable to: groups as a whole, and children that are in none.
struct Reach {
  std::vector<GroupId> groups;
  std::vector<ChildId> children;  ///< members first
};

/// Of all that are free. A group that cannot be updated as a whole is left out as a whole.
Result<Reach> choose_all(const State& state, const Deliverable& deliverable) {
  Reach reach;
  for (const auto& [id, group] : state.groups) {
    const auto members = choose_members(state, group, deliverable);
    if (!members || members->empty()) continue;
    reach.groups.push_back(id);
    std::ranges::move(*members, std::back_inserter(reach.children));  // a child is in one group at most
  }
  for (const auto& [id, child] : state.children)
    if (child.enrolled && child.group.empty() && !(child.update && is_past_activate(*child.update)) &&
        !fitting_images(deliverable, child).empty())
      reach.children.push_back(id);
  if (reach.children.empty()) return Error{Errc::mismatch, "the deliverable fits no child or group that is free"};
  return reach;
}

Result<void> may_be_named(const State& state, const ChildId& id) {
  const Child* child = find_child(state, id);
  if (child == nullptr || !child->enrolled) return Error{Errc::not_found, "no child " + id};
  if (!child->group.empty())
    return Error{Errc::denied, "child " + id + " is a member of group " + child->group +
                                   ", which is updated as a whole: name the group, or repair it"};
  if (child->update && is_past_activate(*child->update))
    return Error{Errc::busy, "child " + id + " is in an update that is past ACTIVATE"};
  return {};
}

/// What was named must exist and be free; what was named twice is reached once.
Result<Reach> choose_named(const State& state, const RolloutRequested& event, const Deliverable& deliverable) {
  Reach reach{event.groups, {}};
  std::set<std::string> named;
  for (const GroupId& id : event.groups) {
    const auto group = state.groups.find(id);
    if (group == state.groups.end()) return Error{Errc::not_found, "no group " + id};
    const auto members = choose_members(state, group->second, deliverable);
    if (!members) return members.error();
    if (named.insert(id).second) std::ranges::copy(*members, std::back_inserter(reach.children));
  }
  named.clear();
  for (const ChildId& id : event.children) {
    if (const auto may = may_be_named(state, id); !may) return may.error();
    if (named.insert(id).second) reach.children.push_back(id);
  }
  return reach;
}

Result<Reach> choose_children(const State& state, const RolloutRequested& event) {
  const auto deliverable = state.deliverables.find(event.deliverable);
  if (deliverable == state.deliverables.end()) return Error{Errc::not_found, "no deliverable " + event.deliverable};
  if (event.children.empty() && event.groups.empty()) return choose_all(state, deliverable->second);
  return choose_named(state, event, deliverable->second);
}

/// What an earlier update still owes the child, its configuration as it was, the next one gives it before anything is
/// sent, or keeps.
void inherit_backup(const Child& child, Update& update) {
  if (!child.update || !(is_to_restore(child) || is_backup_owed(*child.update))) return;
  update.backup = child.update->backup;
  update.restore_is_due = child.update->restore_is_due;
  update.restores = child.update->restores;
}

void begin_update(State& state, Child& child, const GroupId& group, const Rollout& rollout, Instant now, Output& out) {
  take_turn(state, child, now, out, [&](Turn& turn) {
    if (child.update && !is_over(*child.update))
      turn.enter(Phase::cancelled, {Reason::superseded, "superseded by rollout " + std::to_string(rollout.id)});
    Update update;
    update.epoch = ++state.last_epoch;
    update.rollout = rollout.id;
    update.deliverable = rollout.deliverable;
    update.group = group;
    inherit_backup(child, update);
    if (child.update) state.updates.erase(child.update->epoch);
    state.updates.emplace(update.epoch, child.enrollment.id);
    child.update = update;
    child.in_doubt = true;
    child.unanswered = 0;
    child.losses = 0;
    child.quiet_until = {};
    turn.enter(Phase::preflight);
  });
}

/// The oldest rollouts that no child's update refers to are forgotten, so that State stays bounded.
void forget_old_rollouts(State& state, Output& out) {
  for (auto rollout = state.rollouts.begin();
       rollout != state.rollouts.end() && state.rollouts.size() > kMaxRollouts;) {
    const bool is_referred_to = std::ranges::any_of(rollout->second.children, [&](const ChildId& id) {
      const auto child = state.children.find(id);
      return child != state.children.end() && child->second.update && child->second.update->rollout == rollout->first;
    });
    if (is_referred_to) {
      ++rollout;
      continue;
    }
    out.changes.emplace_back(DropRollout{rollout->first});
    rollout = state.rollouts.erase(rollout);
  }
}

/// A group's members that are left out may not go on without those that are not.
void withdraw_earlier(State& state, const Rollout& rollout, Instant now, Output& out) {
  std::set<GroupId> groups;
  for (const ChildId& id : rollout.children) groups.insert(state.children.at(id).group);
  for (const GroupId& id : groups)
    if (const auto group = state.groups.find(id); group != state.groups.end())
      withdraw_all(state, group->second, "superseded by rollout " + std::to_string(rollout.id), now, out);
}

/// Brings the deliverable to the children; those of `groups` together with their group.
void begin_rollout(State& state, Rollout rollout, const std::vector<GroupId>& groups, Instant now, Output& out) {
  rollout.id = ++state.last_rollout;
  rollout.started_at = now;
  const std::set<GroupId> as_a_whole(groups.begin(), groups.end());
  withdraw_earlier(state, rollout, now, out);
  for (const ChildId& id : rollout.children) {
    Child& child = state.children.at(id);
    begin_update(state, child, as_a_whole.contains(child.group) ? child.group : GroupId{}, rollout, now, out);
  }
  out.rollout = rollout.id;
  out.changes.emplace_back(PutRollout{rollout, state.last_rollout, state.last_epoch});
  state.rollouts.emplace(rollout.id, std::move(rollout));
  forget_old_rollouts(state, out);
}

void on(State& state, const RolloutRequested& event, Instant now, Output& out) {
  Result<Reach> reach = choose_children(state, event);
  if (!reach) {
    out.refusal = reach.error();
    return;
  }
  const bool is_repair = std::ranges::all_of(
      reach->children, [&](const ChildId& id) { return state.children.at(id).committed == event.deliverable; });
  const auto may = may_begin(state, state.deliverables.at(event.deliverable), now);
  if (!event.approved && !is_repair && !may) {
    out.refusal = may.error();
    return;
  }
  Rollout rollout{0, event.deliverable, std::move(reach->children), event.uid, now, event.approved, event.forced};
  begin_rollout(state, std::move(rollout), reach->groups, now, out);
}

/// What a group has committed is always allowed again: no head is asked.
void on(State& state, const RepairRequested& event, Instant now, Output& out) {
  const auto group = state.groups.find(event.group);
  if (group == state.groups.end()) {
    out.refusal = Error{Errc::not_found, "no group " + event.group};
    return;
  }
  auto children = choose_to_repair(state, group->second);
  if (!children) {
    out.refusal = children.error();
    return;
  }
  begin_rollout(state, {0, group->second.committed, std::move(*children), event.uid, now, true}, {}, now, out);
}

void on(State& state, const SplitResolved& event, Instant now, Output& out) {
  const Result<void> resolved =
      is_about_reported(state, event) ? replace_reported(state, event, now, out) : resolve(state, event, now, out);
  if (!resolved) out.refusal = resolved.error();
}

template <class Event>
concept IsAboutGroups = requires(State& state, const Event& event, Instant now, Output& out) {
  on_group_event(state, event, now, out);
};

void on(State& state, const IsAboutGroups auto& event, Instant now, Output& out) {
  on_group_event(state, event, now, out);
}

void on(State& state, const BaselineDeclared& event, Instant now, Output& out) {
  declare_baseline(state, event, now, out);
}

void on(State& state, const UpdateAborted& event, Instant now, Output& out) {
  const auto found = state.updates.find(event.epoch);
  if (found == state.updates.end()) {
    out.refusal = Error{Errc::not_found, "no update " + std::to_string(event.epoch)};
    return;
  }
  with_child(state, state.children.at(found->second), now, out, [&](Turn& turn) {
    if (const Result<void> aborted = turn.abort(); !aborted) out.refusal = aborted.error();
  });
}

void on(State& state, const TimePassed& event, Instant now, Output& out) {
  Child* child = find_child(state, event.child);
  if (child == nullptr || child->step_number != event.number) return;
  const Wait* wait = std::get_if<Wait>(&child->step);
  if (wait == nullptr) return;
  // The driver says that the time has come; a wall clock that was set back must not make it wait again.
  const Instant then = std::max(now, wait->at);
  with_child(state, *child, then, out, [&](Turn& turn) {
    child->step = Idle{};
    turn.time_passed();
  });
}

void on(State& state, const StepEnded& event, Instant now, Output& out) {
  Child* child = find_child(state, event.child);
  if (child == nullptr || child->step_number != event.number) return;
  const std::string unit = unit_of(*child);
  const auto handle = [&](Turn& turn) {
    const Step ended = std::exchange(child->step, Idle{});
    if (!std::holds_alternative<StepFailed>(event.answer) && !must_identify(*child)) child->losses = 0;
    const bool was_backup = std::holds_alternative<Backup>(ended);
    const bool was_deliver = std::holds_alternative<Deliver>(ended);
    const bool was_restore = std::holds_alternative<Restore>(ended);
    const auto* prepare = std::get_if<Prepare>(&ended);
    const bool was_identify = std::holds_alternative<Identify>(ended);
    std::visit(Overloaded{
                   [&](const Inspection& seen) { turn.believe(seen); },
                   [&](const OfferAnswer& answer) { turn.offer_answered(answer); },
                   [&](const BackedUp& answer) {
                     if (was_backup) turn.backed_up(answer);
                   },
                   [&](const Delivered&) {
                     if (was_deliver) turn.delivered();
                   },
                   [&](const Restored&) {
                     if (was_restore) turn.restored();
                   },
                   [&](const Ordered& answer) { turn.order_done(answer.seen); },
                   [&](const GuardFailed& answer) {
                     if (was_deliver)
                       turn.stages_otherwise(answer.seen);
                     else
                       turn.believe(answer.seen);
                   },
                   [&](const Prepared& answer) {
                     if (prepare != nullptr) turn.prepared(*prepare, answer.view);
                   },
                   [&](const Proven&) {
                     if (was_identify) turn.proven();
                   },
                   [&](const StepFailed& failure) {
                     if (was_restore)
                       turn.restore_failed(failure.error);
                     else if (prepare != nullptr)
                       turn.prepare_failed(failure.error);
                     else if (was_identify)
                       turn.identify_failed(failure.error);
                     else
                       turn.step_failed(failure.error);
                   },
               },
               event.answer);
  };
  with_child(state, *child, now, out, handle);
  hear_unit(state, event.child, unit, now, out);
}

template <class Record>
concept IsTrustFact = requires(State& state, const Record& record, Output& out) {
  accept(state, record, {}, out);
};

void on(State& state, const IsTrustFact auto& event, Instant now, Output& out) {
  accept(state, event, now, out);
}

template <class Event>
concept IsAboutEnrollment = requires(State& state, const Event& event, Instant now, Output& out) {
  on_enrollment(state, event, now, out);
};

void on(State& state, const IsAboutEnrollment auto& event, Instant now, Output& out) {
  on_enrollment(state, event, now, out);
}

void on(State& state, const PolicyChanged& event, Instant, Output&) {
  state.policy = event.policy;
}

/// What was put off because the time was not known is looked at again.
void on(State& state, const TimeJudged& event, Instant now, Output& out) {
  const bool becomes_known = event.is_known && !state.time_is_known;
  state.time_is_known = event.is_known;
  if (!becomes_known) return;
  for (auto& [id, child] : state.children)
    if (child.update && child.update->phase == Phase::deferred && child.update->cause.reason == Reason::time_unknown)
      with_child(state, child, now, out, [&](Turn&) { child.update->until = now; });
}

}  // namespace

Output apply(State& state, const Event& event, Instant now) {
  Output out;
  std::visit([&](const auto& e) { on(state, e, now, out); }, event);
  return out;
}

Output resume(State& state, Instant now) {
  Output out;
  index_members(state);
  index_units(state);
  index_updates(state);
  index_plaintexts(state);
  index_addresses(state);
  state.discovered.clear();
  for (auto& [id, child] : state.children) {
    child.online = false;
    child.link_security = LinkSecurity::none;
    child.identified = Identified::no;
    child.in_doubt = true;
    child.gate = Gate::none;
    child.in_round = false;
    child.step = Idle{};
    child.quiet_until = {};
    child.unanswered = 0;
    child.losses = 0;
    child.away_since = {};
    if (!child.update || !awaits_report(child)) continue;
    await_return(state, child, now);
    take_turn(state, child, now, out, [](Turn&) {});
  }
  return out;
}

std::optional<Resolution> resolution_from(std::string_view name) {
  if (name == "retry") return Resolution::retry;
  if (name == "drop") return Resolution::drop;
  if (name == "replace") return Resolution::replace;
  if (name == "accept") return Resolution::accept;
  return std::nullopt;
}

}  // namespace hg::core
