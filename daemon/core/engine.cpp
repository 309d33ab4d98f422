// SPDX-License-Identifier: Apache-2.0
#include "core/engine.hpp"

#include <algorithm>

#include "core/preflight.hpp"
#include "core/trust_facts.hpp"
#include "core/turn.hpp"

namespace hg::core {

namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

/// What of a child is written down. The rest is learned anew at each start.
bool remembered_equal(const Child& a, const Child& b) {
  return a.seen == b.seen && a.last_seen == b.last_seen && a.floors == b.floors && a.committed == b.committed &&
         a.confirms_itself == b.confirms_itself && a.update == b.update;
}

Digest backup_of(const Child& child) {
  return child.update ? child.update->backup : Digest{};
}

/// Opens a turn for one child, and afterwards derives its step and what must be written.
template <class Handle>
void with_child(State& state, Child& child, Instant now, Output& out, Handle handle) {
  const Child before = child;
  Turn turn(state, child, now, out);
  handle(turn);
  if (!remembered_equal(before, child)) out.changes.emplace_back(PutChild{child});
  const Digest backup = backup_of(before);
  if (!backup.empty() && backup != backup_of(child) && !needs_blob(state, backup)) out.unneeded.push_back(backup);
  Step step = next_step(state, child);
  if (step == child.step) return;
  child.step = step;
  child.step_number += 1;
  out.actions.push_back(Action{child.enrollment.id, child.step_number, std::move(step)});
}

Child* find_child(State& state, const ChildId& id) {
  const auto found = state.children.find(id);
  return found == state.children.end() ? nullptr : &found->second;
}

/// Whether a reload left alone what an update under way hangs on; a changed patience interrupts nothing.
bool is_same_child(const Enrollment& a, const Enrollment& b) {
  return a.transport == b.transport && a.address == b.address && a.vendor == b.vendor &&
         a.device_class == b.device_class && a.targets == b.targets && a.link == b.link;
}

bool is_before_activate(Phase phase) {
  return phase == Phase::offered || phase == Phase::backing_up || phase == Phase::transferring ||
         phase == Phase::staged;
}

void on(State& state, const ChildEnrolled& event, Instant now, Output& out) {
  const auto [position, is_new] = state.children.try_emplace(event.enrollment.id);
  Child& child = position->second;
  with_child(state, child, now, out, [&](Turn& turn) {
    const bool was_enrolled = std::exchange(child.enrolled, true);
    const Enrollment before = std::exchange(child.enrollment, event.enrollment);
    // Across a restart the enrollment is not remembered: what it had led to tells what has changed.
    const bool is_another =
        was_enrolled ? !is_same_child(before, child.enrollment) : child.update && !are_parts_still_chosen(state, child);
    if (!is_another) return;
    turn.forget_backup("the child was enrolled otherwise");
    child.in_doubt = true;  // it may be another board, or a link that may not carry what is on its way
    child.step = Idle{};    // what the old one was asked is given up, even if the new one is asked the same
    if (child.update && is_before_activate(child.update->phase)) turn.enter(Phase::preflight);
  });
  if (is_new) out.changes.emplace_back(PutChild{child});
  out.touched.push_back(event.enrollment.id);
}

void on(State& state, const ChildDropped& event, Instant now, Output& out) {
  Child* child = find_child(state, event.child);
  if (child == nullptr) return;
  with_child(state, *child, now, out, [&](Turn&) {
    child->enrolled = false;
    child->online = false;
    child->in_doubt = true;
  });
  out.touched.push_back(event.child);
}

/// The time for a swap runs while the child can be seen: a line that was away does not prove it dead. What it was away
/// is given back, so that a line that comes and goes cannot put off BACK for ever.
void give_back_swap_time(const State& state, Child& child, Instant now) {
  if (!child.update || child.update->decision != Decision::activate || is_over(*child.update)) return;
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
    child->in_doubt = true;
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

void on(State& state, const DeliverableSealed& event, Instant, Output& out) {
  const auto [position, is_new] = state.deliverables.try_emplace(event.deliverable.id, event.deliverable);
  if (is_new) out.changes.emplace_back(PutDeliverable{position->second});
}

/// The children that a rollout reaches, or why it cannot begin. Named children must exist and be free; unnamed ones
/// that are past ACTIVATE in another update are left out.
Result<std::vector<ChildId>> choose_children(const State& state, const RolloutRequested& event) {
  const auto deliverable = state.deliverables.find(event.deliverable);
  if (deliverable == state.deliverables.end()) return Error{Errc::not_found, "no deliverable " + event.deliverable};
  const auto committed_elsewhere = [](const Child& child) {
    return child.update && child.update->decision != Decision::none && !is_over(*child.update) &&
           child.update->phase != Phase::reverted;
  };
  std::vector<ChildId> chosen;
  if (event.children.empty()) {
    for (const auto& [id, child] : state.children)
      if (child.enrolled && !committed_elsewhere(child) &&
          !fitting_images(deliverable->second, child.enrollment).empty())
        chosen.push_back(id);
    if (chosen.empty()) return Error{Errc::mismatch, "the deliverable fits no child that is free"};
    return chosen;
  }
  for (const ChildId& id : event.children) {
    const auto child = state.children.find(id);
    if (child == state.children.end() || !child->second.enrolled) return Error{Errc::not_found, "no child " + id};
    if (committed_elsewhere(child->second))
      return Error{Errc::busy, "child " + id + " is in an update that is past ACTIVATE"};
    if (std::ranges::find(chosen, id) == chosen.end()) chosen.push_back(id);
  }
  return chosen;
}

/// What an earlier update still owes the child, its configuration as it was, the next one gives it before anything is
/// sent, or keeps.
void inherit_backup(const Child& child, Update& update) {
  if (!child.update || !(is_to_restore(child) || is_backup_owed(*child.update))) return;
  update.backup = child.update->backup;
  update.restore_is_due = child.update->restore_is_due;
  update.restores = child.update->restores;
}

void begin_update(State& state, Child& child, const Rollout& rollout, Instant now, Output& out) {
  with_child(state, child, now, out, [&](Turn& turn) {
    if (child.update && !is_over(*child.update))
      turn.enter(Phase::cancelled, {Reason::superseded, "superseded by rollout " + std::to_string(rollout.id)});
    Update update;
    update.epoch = ++state.last_epoch;
    update.rollout = rollout.id;
    update.deliverable = rollout.deliverable;
    inherit_backup(child, update);
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

void on(State& state, const RolloutRequested& event, Instant now, Output& out) {
  Result<std::vector<ChildId>> children = choose_children(state, event);
  if (!children) {
    out.refusal = children.error();
    return;
  }
  const bool is_repair = std::ranges::all_of(
      *children, [&](const ChildId& id) { return state.children.at(id).committed == event.deliverable; });
  const auto may = may_begin(state, state.deliverables.at(event.deliverable), now);
  if (!event.approved && !is_repair && !may) {
    out.refusal = may.error();
    return;
  }
  Rollout rollout{++state.last_rollout, event.deliverable, std::move(*children), event.uid, now, event.approved};
  for (const ChildId& id : rollout.children) begin_update(state, state.children.at(id), rollout, now, out);
  out.rollout = rollout.id;
  out.changes.emplace_back(PutRollout{rollout, state.last_rollout, state.last_epoch});
  state.rollouts.emplace(rollout.id, std::move(rollout));
  forget_old_rollouts(state, out);
}

void on(State& state, const UpdateAborted& event, Instant now, Output& out) {
  const auto found = std::ranges::find_if(state.children, [&](const auto& entry) {
    return entry.second.update && entry.second.update->epoch == event.epoch;
  });
  if (found == state.children.end()) {
    out.refusal = Error{Errc::not_found, "no update " + std::to_string(event.epoch)};
    return;
  }
  with_child(state, found->second, now, out, [&](Turn& turn) {
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
  const auto handle = [&](Turn& turn) {
    const Step ended = std::exchange(child->step, Idle{});
    if (!std::holds_alternative<StepFailed>(event.answer)) child->losses = 0;
    const bool was_backup = std::holds_alternative<Backup>(ended);
    const bool was_deliver = std::holds_alternative<Deliver>(ended);
    const bool was_restore = std::holds_alternative<Restore>(ended);
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
                   [&](const StepFailed& failure) {
                     if (was_restore)
                       turn.restore_failed(failure.error);
                     else
                       turn.step_failed(failure.error);
                   },
               },
               event.answer);
  };
  with_child(state, *child, now, out, handle);
}

template <class Record>
concept IsTrustFact = requires(State& state, const Record& record, Output& out) {
  accept(state, record, {}, out);
};

void on(State& state, const IsTrustFact auto& event, Instant now, Output& out) {
  accept(state, event, now, out);
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

Output resume(State& state, Instant) {
  for (auto& [id, child] : state.children) {
    child.online = false;
    child.in_doubt = true;
    child.step = Idle{};
    child.quiet_until = {};
    child.unanswered = 0;
    child.losses = 0;
    child.away_since = {};
  }
  return {};
}

}  // namespace hg::core
