// SPDX-License-Identifier: Apache-2.0
#include "sim/invariants.hpp"

#include <algorithm>

#include "core/groups.hpp"
#include "core/protection_judgement.hpp"
#include "core/standing.hpp"

namespace hg::sim {

namespace {

using core::Decision;
using core::Phase;

constexpr unsigned kMostOrders = 8;
constexpr unsigned kMostLostOrders = 16;  // after COMMIT or BACK of a group: answers that are lost are nobody's fault

bool is_about_child(const core::Event& event, core::ChildId& child) {
  return std::visit(
      [&](const auto& e) {
        if constexpr (requires { e.enrollment.id; }) {
          child = e.enrollment.id;
          return true;
        } else if constexpr (requires { core::ChildId{e.child}; }) {
          child = e.child;
          return true;
        } else {
          return false;
        }
      },
      event);
}

bool runs_before(const core::Inspection& truth, const core::Update& update) {
  return core::standing_of(truth, update.parts) == core::Standing::as_before;
}

bool runs_new(const core::Inspection& truth, const core::Update& update) {
  return core::standing_of(truth, update.parts) == core::Standing::all_new;
}

/// Whether what it runs tells old from new.
bool is_telling(const core::Update& update) {
  return !update.parts.empty() && std::ranges::all_of(update.parts, [](const core::Part& part) {
    return !part.before.empty() && core::changes(part);
  });
}

/// Whether the child's old images are held by the gateway, as the deliverable that it has committed.
bool has_old_images(const core::State& state, const core::Child& child) {
  const auto committed = state.deliverables.find(child.committed);
  return committed != state.deliverables.end() && std::ranges::all_of(child.update->parts, [&](const core::Part& part) {
           return !core::changes(part) ||
                  std::ranges::find(committed->second.images, part.before, &core::Image::running_digest) !=
                      committed->second.images.end();
         });
}

bool is_phase_before_activate(Phase phase) {
  return phase == Phase::preflight || phase == Phase::offered || phase == Phase::backing_up ||
         phase == Phase::transferring || phase == Phase::staged || phase == Phase::deferred || phase == Phase::resting;
}

std::string where(const core::Child& child) {
  const core::Update& u = *child.update;
  return std::string(core::name_of(u.phase)) + "/" + std::string(core::name_of(u.decision)) + "/" +
         std::string(core::name_of(child.step)) + " (" + u.cause.text + ")";
}

/// But for the time that a start gives whoever must report: the next start gives it again.
bool is_same_update(const std::optional<core::Update>& a, const std::optional<core::Update>& b) {
  if (!a || !b || a->group.empty() || a->decision == Decision::none || a->until == b->until) return a == b;
  core::Update in_time = *a;
  in_time.until = b->until;
  return in_time == *b;
}

bool is_same_memory(const core::Child& a, const core::Child& b) {
  return a.seen == b.seen && a.last_seen == b.last_seen && a.floors == b.floors && a.committed == b.committed &&
         a.confirms_itself == b.confirms_itself && is_same_update(a.update, b.update);
}

/// Whether `to` may follow `from` in one update.
bool may_follow(Decision from, Decision to, Phase was, const core::Child& child, bool knew_way_back) {
  const bool is_alone = child.update->group.empty();
  if (from == to || from == Decision::none) return true;
  if (to == Decision::none) {
    const bool next_attempt = from == Decision::back && was == Phase::reverted;
    const bool is_rescue = from == Decision::activate && is_alone && !knew_way_back;
    return next_attempt || is_rescue;
  }
  if (from == Decision::activate) return true;
  return from == Decision::pivot && to != Decision::activate;
}

}  // namespace

void Invariants::resumed(const core::State& state) {
  past_ = PerChild<Past>(children_.size());
  floors_ = state.floors;
  for (const auto& [id, child] : state.children) remember(child);
}

void Invariants::remember(const core::Child& child) {
  Past& past = past_[child.enrollment.id];
  past.floors = child.floors;
  if (!child.update) return;
  const core::Update& u = *child.update;
  if (u.epoch != past.epoch) past.staged_at = past.testing_at = 0;
  if (u.phase != past.phase || u.epoch != past.epoch) {
    if (u.phase == Phase::staged) past.staged_at = event_;
    if (u.phase == Phase::testing) past.testing_at = event_;
  }
  past.epoch = u.epoch;
  past.phase = u.phase;
  past.decision = u.decision;
  past.knows_way_back = core::knows_way_back(u.parts);
}

Invariants::Members Invariants::members_of(const core::State& state, const core::Child& child) const {
  Members members;
  if (!child.update || child.update->group.empty()) return members;
  const auto group = state.groups.find(child.update->group);
  if (group == state.groups.end()) return members;
  for (const core::Member& member : group->second.members) {
    const auto other = state.children.find(member.child);
    if (other == state.children.end() || !other->second.update) continue;
    const core::Update& u = *other->second.update;
    if (u.group == child.update->group && u.rollout == child.update->rollout) members.push_back(&other->second);
  }
  return members;
}

void Invariants::touch(const core::State& state, const core::ChildId& id) {
  const auto child = state.children.find(id);
  if (child == state.children.end()) return;
  touched_.insert(id);
  const auto group = state.groups.find(child->second.group);
  if (group == state.groups.end()) return;
  for (const core::Member& member : group->second.members)
    if (state.children.contains(member.child)) touched_.insert(member.child);
}

void Invariants::before(const core::State& state, const core::Event& event) {
  ++event_;
  touched_.clear();
  was_split_.clear();
  core::ChildId child;
  if (is_about_child(event, child)) touch(state, child);
  if (const auto* ended = std::get_if<core::StepEnded>(&event)) {
    const auto found = state.children.find(ended->child);
    const bool counts = found != state.children.end() && found->second.step_number == ended->number;
    if (counts && std::holds_alternative<core::Inspection>(ended->answer)) past_[ended->child].inspected_at = event_;
  }
  if (std::holds_alternative<core::RolloutRequested>(event)) note_split(state);
}

void Invariants::note_split(const core::State& state) {
  for (const auto& [id, group] : state.groups)
    for (const core::Member& member : group.members) {
      const auto found = state.children.find(member.child);
      const bool is_split = found != state.children.end() && found->second.update &&
                            found->second.update->group == id && found->second.update->phase == Phase::split;
      if (!is_split) continue;
      for (const core::Member& other : group.members) was_split_.insert(other.child);
    }
}

void Invariants::after(const core::State& state, const core::Event& event, const core::Output& out,
                       const Timeline& time) {
  now_ = time.elapsed();
  for (const core::Change& change : out.changes)
    if (const auto* put = std::get_if<core::PutChild>(&change)) touch(state, put->child.enrollment.id);
  tell(out.changes);
  const auto is_of_group = [](const core::Change& change) { return std::holds_alternative<core::PutGroup>(change); };
  if (out.refusal && !std::ranges::all_of(out.changes, is_of_group))
    wrong("engine", "refused, and yet something was done");
  look(state, std::holds_alternative<core::RolloutRequested>(event));
}

void Invariants::observed(const core::State& was, const core::State& state, std::span<const core::Change> changes,
                          const Timeline& time) {
  now_ = time.elapsed();
  ++event_;
  touched_.clear();
  for (const auto& [id, child] : state.children) touched_.insert(id);
  was_split_.clear();
  note_split(was);
  for (const core::Change& change : changes) {  // what was resolved in the same batch is no longer split
    const auto* line = std::get_if<core::PutHistory>(&change);
    if (line == nullptr || !was_split_.contains(line->child) || past_[line->child].epoch != line->epoch) continue;
    for (const core::Member& member : was.groups.at(was.children.at(line->child).group).members)
      was_split_.erase(member.child);
  }
  tell(changes);
  look(state, true);
}

void Invariants::tell(std::span<const core::Change> changes) {
  for (const core::Change& change : changes)
    if (const auto* line = std::get_if<core::PutHistory>(&change))
      history_.add(now_, line->child,
                   std::string(core::name_of(line->phase)) + " " + std::to_string(line->epoch) + " " +
                       std::string(core::name_of(line->cause.reason)) + " " + line->cause.text);
}

void Invariants::look(const core::State& state, bool may_begin_rollouts) {
  for (const core::ChildId& id : touched_) {
    const auto found = state.children.find(id);
    if (found == state.children.end()) continue;
    const core::Child& child = found->second;
    const bool is_new = child.update && past_[id].epoch != child.update->epoch;
    if (may_begin_rollouts && is_new && was_split_.contains(id)) wrong(id, "a rollout has begun to a split group");
    check_child(state, child);
  }
  std::set<core::GroupId> seen;
  for (const core::ChildId& id : touched_) {
    const auto found = state.children.find(id);
    if (found == state.children.end() || !found->second.update || found->second.update->group.empty()) continue;
    if (seen.insert(found->second.update->group).second) check_group(state, found->second);
  }
  for (const core::ChildId& id : touched_)
    if (const auto found = state.children.find(id); found != state.children.end()) remember(found->second);
  for (const auto& [product, floor] : floors_)
    if (!state.floors.contains(product) || state.floors.at(product) < floor) wrong("gateway", "a floor went down");
  floors_ = state.floors;
  check_bounds(state);
}

void Invariants::check_bounds(const core::State& state) {
  if (state.rollouts.size() > core::kMaxRollouts + state.children.size()) wrong("state", "too many rollouts");
  if (state.announced.size() > core::kMaxAnnounced) wrong("state", "too many announcements");
}

// ------------------------------------------------------------------------------------------------------- one child

void Invariants::check_child(const core::State&, const core::Child& child) {
  const Past& was = past_[child.enrollment.id];
  for (const auto& [product, floor] : was.floors)
    if (!child.floors.contains(product) || child.floors.at(product) < floor)
      wrong(child.enrollment.id, "a floor went down");
  if (!child.update) return;
  const core::Update& u = *child.update;
  const bool may_lose = !u.group.empty() && (u.decision == Decision::commit || u.decision == Decision::back);
  if (!core::is_over(u) && u.orders > (may_lose ? kMostLostOrders : kMostOrders))
    wrong(child.enrollment.id, "more orders than an attempt may give");
  if (u.attempts >= child.enrollment.patience.attempts) wrong(child.enrollment.id, "attempts without a rest");
  if (u.epoch != was.epoch) return;
  check_decision(was, child);
  check_end(was, child);
}

void Invariants::check_decision(const Past& was, const core::Child& child) {
  const Decision now = child.update->decision;
  if (was.decision == now) return;
  if (!may_follow(was.decision, now, was.phase, child, was.knows_way_back))
    wrong(child.enrollment.id, std::string("decision ") + std::string(core::name_of(was.decision)) +
                                   " was taken back: " + std::string(core::name_of(now)));
  if (now != Decision::none && (now != Decision::pivot || child.update->pivot))
    ++counts_[std::string(core::name_of(now))];
}

void Invariants::check_end(const Past& was, const core::Child& child) {
  const core::Update& u = *child.update;
  if (u.phase == was.phase) return;
  const bool has_failed =
      u.cause.reason == core::Reason::transfer_failed || u.cause.reason == core::Reason::not_answering;
  if (u.phase == Phase::deferred && has_failed && u.attempts == 0)
    wrong(child.enrollment.id, "a failure is not counted");
  if (core::is_over(u) || core::waits_for_time(u)) ++counts_[std::string(core::name_of(u.phase))];
  const SimChild& real = children_.at(child.enrollment.id);
  const core::Inspection truth = real.listing();
  const bool is_true = !truth.is_in_recovery() && !real.is_meddled_with;
  if (u.phase == Phase::confirmed) {
    if (is_true && !core::rests_on_new(truth, u.parts)) wrong(child.enrollment.id, "confirmed, but not at rest on new");
  }
  if (u.phase == Phase::reverted) {
    if (is_true && !core::rests_on_old(truth, u.parts)) wrong(child.enrollment.id, "reverted, but not at rest on old");
  }
}

// --------------------------------------------------------------------------------------------------------- a group

void Invariants::check_group(const core::State& state, const core::Child& child) {
  const Members members = members_of(state, child);
  if (members.empty()) return;
  const core::Update& first = *members.front()->update;
  for (const core::Child* member : members)
    if (member->update->decision != first.decision)
      wrong(first.group, "decisions differ: " + where(*members.front()) + ", " + where(*member));
  const auto is_pivot = [](const core::Child* member) { return member->update->pivot; };
  if (first.decision != Decision::none && std::ranges::count_if(members, is_pivot) > 1)
    wrong(first.group, "two pivots");
  const Past& was = past_[members.front()->enrollment.id];
  if (was.epoch == first.epoch && was.decision != first.decision) {
    if (first.decision == Decision::activate) check_activate(child, members);
    if (first.decision == Decision::pivot || (first.decision == Decision::commit && was.decision != Decision::pivot))
      check_pivot_or_commit(child, members);
    if (was.decision == Decision::pivot && first.decision == Decision::back) check_back_after_pivot(members);
  }
  check_rest(members, first.group);
}

void Invariants::check_activate(const core::Child& child, const Members& members) {
  std::uint64_t last_staged = 0;
  for (const core::Child* member : members) last_staged = std::max(last_staged, past_[member->enrollment.id].staged_at);
  for (const core::Child* member : members) {
    const Past& was = past_[member->enrollment.id];
    if (was.phase != Phase::staged) wrong(child.update->group, "ACTIVATE before all are staged: " + where(*member));
    if (was.inspected_at <= last_staged)
      wrong(child.update->group, "ACTIVATE without a round of inspections: " + where(*member));
    if (!member->seen || !(runs_before(*member->seen, *member->update) || core::brings_nothing(member->update->parts)))
      wrong(child.update->group, "ACTIVATE while a member is not as it was: " + where(*member));
  }
}

void Invariants::check_pivot_or_commit(const core::Child& child, const Members& members) {
  std::uint64_t last_tested = 0;
  for (const core::Child* member : members)
    last_tested = std::max(last_tested, past_[member->enrollment.id].testing_at);
  for (const core::Child* member : members) {
    const core::Update& u = *member->update;
    const Past& was = past_[member->enrollment.id];
    const std::string place = where(*member);
    const bool is_last = core::is_touched_last(u);
    if (is_last && was.phase != Phase::staged)
      wrong(u.group, "PIVOT while one touched last is not as it was: " + place);
    if (is_last) continue;
    if (was.phase != Phase::testing) wrong(u.group, "PIVOT or COMMIT before all run new: " + place);
    if (!member->seen || !runs_new(*member->seen, u)) wrong(u.group, "PIVOT or COMMIT, and one runs old: " + place);
    if (was.inspected_at <= last_tested) wrong(child.update->group, "PIVOT or COMMIT without a round: " + place);
  }
}

/// A mark that is left on the pivot would bring the new image at its next power cut.
void Invariants::check_back_after_pivot(const Members& members) {
  for (const core::Child* member : members) {
    const core::Update& u = *member->update;
    if (!u.pivot) continue;
    if (!member->seen || !runs_before(*member->seen, u) || core::is_mark_begun(*member->seen, u.parts))
      wrong(u.group, "BACK after PIVOT, and the pivot does not say that it stays old: " + where(*member));
  }
}

/// Nobody is touched before ACTIVATE; and when all have come to rest all run the same, unless one says that it is
/// split.
void Invariants::check_rest(const Members& members, const std::string& group) {
  const auto rests = [](const core::Child* member) {
    const core::Update& u = *member->update;
    return core::is_over(u) || core::waits_for_time(u) || u.decision == Decision::none;
  };
  const auto is_split = [](const core::Child* member) { return member->update->phase == Phase::split; };
  if (!std::ranges::all_of(members, rests) || std::ranges::any_of(members, is_split)) return;
  std::string new_one;
  std::string old_one;
  for (const core::Child* member : members) {
    const SimChild& real = children_.at(member->enrollment.id);
    const core::Inspection truth = real.listing();
    if (real.is_meddled_with || truth.is_in_recovery() || !is_telling(*member->update)) continue;
    if (runs_new(truth, *member->update)) new_one = member->enrollment.id;
    if (runs_before(truth, *member->update)) old_one = member->enrollment.id;
  }
  if (!new_one.empty() && !old_one.empty())
    wrong(group, "rests mixed: " + new_one + " runs new, " + old_one + " runs old");
}

// ------------------------------------------------------------------------------------------ what is durable, orders

void Invariants::committed(const core::State& state, const core::State& durable, const std::set<core::ChildId>& touched,
                           const Timeline& time) {
  now_ = time.elapsed();
  for (const core::ChildId& id : touched) {
    const auto child = state.children.find(id);
    if (child == state.children.end()) continue;
    const auto written = durable.children.find(id);
    if (written == durable.children.end() || !is_same_memory(child->second, written->second))
      wrong(id, "what is acted on is not what was written down");
    const auto group = state.groups.find(child->second.group);
    if (group == state.groups.end()) continue;
    const auto kept = durable.groups.find(group->first);
    if (kept == durable.groups.end() || !(kept->second == group->second))
      wrong(group->first, "the group is not what was written down");
  }
}

void Invariants::started(const core::Action& action, const core::State& state, const core::State& durable,
                         bool has_order, const Timeline& time) {
  now_ = time.elapsed();
  const core::Child& child = state.children.at(action.child);
  check_protection(action, state, child);
  if (!is_order(action.step) && !std::holds_alternative<core::Deliver>(action.step)) return;
  const auto written = durable.children.find(action.child);
  if (written == durable.children.end() || !written->second.update) {
    wrong(action.child, "an order of an update that is not durable");
    return;
  }
  const bool is_delivered_whole =
      child.update->pivot && child.seen && child.seen->revert_class == core::RevertClass::unstageable;
  if (!is_order(action.step)) {
    const core::Update& durably = *written->second.update;
    if (core::is_over(durably) || durably.phase < Phase::transferring)
      wrong(action.child, "is sent an image at " + std::string(core::name_of(durably.phase)) + ", says the disk");
    if (is_delivered_whole && written->second.update->decision != Decision::pivot)
      wrong(action.child, "what installs as it receives is sent before PIVOT");
    return;
  }
  if (has_order) wrong(action.child, "an order while another may still take effect");
  if (child.in_doubt) wrong(action.child, "an order to a child in doubt");
  check_order(action, state, child, written->second);
}

/// Nothing of an image leaves for a child that is protected less than its profile asks for, wrapped for another key
/// than its present one, or that has not shown who it is.
void Invariants::check_protection(const core::Action& action, const core::State& state, const core::Child& child) {
  const auto* deliver = std::get_if<core::Deliver>(&action.step);
  const bool is_for_child_only = deliver != nullptr || std::holds_alternative<core::Offer>(action.step) ||
                                 std::holds_alternative<core::Confirm>(action.step);
  if (is_for_child_only && child.keys.contains(core::KeyUse::identify) && child.identified != core::Identified::yes)
    wrong(action.child, std::string(core::name_of(action.step)) + " to a child that has not identified itself");
  if (deliver == nullptr) return;
  counts_["with a view"] += deliver->view ? 1 : 0;
  const core::Image* image = nullptr;
  for (const auto& [id, deliverable] : state.deliverables)
    for (const core::Image& one : deliverable.images)
      if (one.digest == deliver->image) image = &one;
  if (image == nullptr) return wrong(action.child, "is sent an image of no deliverable");
  if (core::protected_by(state, child, *image).cause.reason != core::Reason::none)
    wrong(action.child, "is sent an image that is not protected as its profile asks");
  const core::ChildKey* key =
      core::is_rewrapped(state, child, *image) ? core::wrap_key(child, *image->sealing) : nullptr;
  if ((key != nullptr) != deliver->view.has_value()) wrong(action.child, "is sent an image without its view");
  if (key != nullptr && deliver->view && deliver->view->key != key->id)
    wrong(action.child, "is sent an image that is wrapped for another key");
}

void Invariants::check_order(const core::Action& action, const core::State& state, const core::Child& child,
                             const core::Child& durable) {
  const core::ChildId& id = action.child;
  const core::Update& u = *durable.update;
  const auto guards_hold = [&](const auto& guards) {
    return std::ranges::all_of(guards, [&](const auto& guard) {
      const core::Slot* active = child.seen->active(guard.image);
      return guard.active == (active == nullptr ? Digest{} : active->digest);
    });
  };
  if (u.order == core::Order::none) wrong(id, "an order that is not written down");
  if (const auto* order = std::get_if<core::Activate>(&action.step)) {
    if (order->moves.empty() || !guards_hold(order->moves)) wrong(id, "an Activate without its guard");
    const Decision wanted = u.pivot && !u.group.empty() ? Decision::pivot : Decision::activate;
    if (u.decision != wanted && u.decision != Decision::commit)
      wrong(id, "Activate under decision " + std::string(core::name_of(u.decision)));
    const Nature nature = children_.at(id).nature();
    const bool cannot_be_brought_back = nature == Nature::irrevocable || nature == Nature::unstageable ||
                                        nature == Nature::unknown ||
                                        (nature == Nature::reinstall && !has_old_images(state, child));
    if (cannot_be_brought_back && !u.group.empty() && u.decision == Decision::activate)
      wrong(id, "a member that cannot be brought back is activated before PIVOT");
    if (u.decision == Decision::activate) check_ranks(state, child);
  }
  if (const auto* order = std::get_if<core::Confirm>(&action.step)) {
    if (order->guards.empty() || !guards_hold(order->guards)) wrong(id, "a Confirm without its guard");
    if (u.decision != Decision::commit) wrong(id, "Confirm before COMMIT");
  }
  if (const auto* order = std::get_if<core::Revert>(&action.step)) {
    if (order->moves.empty() || !guards_hold(order->moves)) wrong(id, "a Revert without its guard");
    if (u.decision != Decision::back && !(u.decision == Decision::none && u.phase == Phase::preflight))
      wrong(id, "Revert under decision " + std::string(core::name_of(u.decision)));
  }
}

/// Whoever comes before it in the product's order runs the new image.
void Invariants::check_ranks(const core::State& state, const core::Child& child) {
  for (const core::Child* member : members_of(state, child)) {
    const bool comes_before = core::rank_of(state, *member) < core::rank_of(state, child);
    if (!comes_before || core::is_touched_last(*member->update)) continue;
    if (member->update->phase != Phase::testing)
      wrong(child.enrollment.id, "activated before its turn: " + member->enrollment.id + " is " + where(*member));
  }
}

// -------------------------------------------------------------------------------------------------------- the end

std::string Invariants::waiting(const core::State& state) const {
  for (const auto& [id, group] : state.groups)
    if (std::string who = waiting_group(state, group); !who.empty()) return who;
  for (const auto& [id, child] : state.children) {
    if (!child.update || !child.update->group.empty() || is_dead(child)) continue;
    if (!core::is_over(*child.update)) return id + " " + where(child);
  }
  return {};
}

/// With a dead member: whatever the others can reach without it.
std::string Invariants::waiting_group(const core::State& state, const core::Group& group) const {
  Members members;
  for (const core::Member& member : group.members) {
    const core::Child& child = state.children.at(member.child);
    if (child.update && child.update->group == group.id) members.push_back(&child);
  }
  const bool has_dead = std::ranges::any_of(members, [&](const auto* member) { return is_dead(*member); });
  const bool is_held = std::ranges::any_of(members, [](const auto* member) {
    return member->update->pivot && member->update->decision == Decision::pivot &&
           member->update->phase == Phase::split;
  });
  for (const core::Child* member : members) {
    const core::Update& u = *member->update;
    if (core::is_over(u) || (is_held && !u.pivot)) continue;
    const std::string place = group.id + ": " + member->enrollment.id + " " + where(*member);
    if (!has_dead) return place;
    if (u.decision == Decision::none && is_phase_before_activate(u.phase)) continue;
    if (u.phase == Phase::reverted) continue;
    const bool is_for_ever = u.decision == Decision::back || u.decision == Decision::commit;
    if (is_dead(*member) && is_for_ever) continue;
    return place + ", with a dead member";
  }
  return {};
}

void Invariants::at_end(const core::State& state, const Timeline& time) {
  now_ = time.elapsed();
  for (const auto& [id, child] : state.children) {
    const SimChild& real = children_.at(id);
    if (!child.update || is_dead(child) || real.is_meddled_with) continue;
    const core::Update& u = *child.update;
    const core::Inspection truth = real.listing();
    if (u.phase == Phase::confirmed && !core::rests_on_new(truth, u.parts)) wrong(id, "ends confirmed, and is not");
    if (u.phase == Phase::reverted && !core::rests_on_old(truth, u.parts)) wrong(id, "ends reverted, and is not");
  }
}

void Invariants::all_confirmed(const core::State& state) {
  for (const auto& [id, child] : state.children)
    if (!child.update || child.update->phase != Phase::confirmed)
      wrong(id, "nothing went wrong, and it is not confirmed" + (child.update ? ": " + where(child) : std::string()));
}

}  // namespace hg::sim
