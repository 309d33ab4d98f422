// SPDX-License-Identifier: Apache-2.0
#include "core/trust_facts.hpp"

#include <algorithm>
#include <span>

#include "core/content_keys.hpp"

namespace hg::core {

namespace {

/// For keeping the newest of what has a version: 0 is known already, -1 is older, 1 is news.
int compare_versions(std::uint64_t version, std::uint64_t known) {
  return version == known ? 0 : version < known ? -1 : 1;
}

Error older(const std::string& what, std::uint64_t version, std::uint64_t known) {
  return {Errc::mismatch, what + " version " + std::to_string(version) + " is older than " + std::to_string(known)};
}

void raise_floor(State& state, const std::string& product, std::uint64_t sequence, Output& out) {
  const auto known = state.floors.find(product);
  if (sequence <= (known == state.floors.end() ? 0 : known->second)) return;
  state.floors.insert_or_assign(product, sequence);
  out.changes.emplace_back(PutGatewayFloor{product, sequence});
}

/// Whether floors for `count` more products have room.
Result<void> room_for_floors(const State& state, std::size_t count) {
  if (state.floors.size() + count <= kMaxGatewayFloors) return {};
  return Error{Errc::too_large, "floors of " + std::to_string(kMaxGatewayFloors) + " products are known already"};
}

/// The one that expired first, of those that have.
template <class Map>
typename Map::const_iterator oldest_expired(const State& state, const Map& records, Instant now) {
  if (!state.time_is_known || records.empty()) return records.end();
  const auto sooner = [](const auto& a, const auto& b) { return a.second.not_after < b.second.not_after; };
  const auto oldest = std::ranges::min_element(records, sooner);
  return oldest->second.not_after < trusted_time(state, now) ? oldest : records.end();
}

struct Floor {
  std::uint64_t sequence = 0;
  bool is_of_gateway = false;
};

Floor floor_of(const State& state, const Child& child, const std::string& product) {
  const auto in = [&](const Floors& floors) {
    const auto found = floors.find(product);
    return found == floors.end() ? 0 : found->second;
  };
  const std::uint64_t of_child = in(child.floors);
  const std::uint64_t of_gateway = in(state.floors);
  return {std::max(of_child, of_gateway), of_gateway > of_child};
}

bool is_for(const Permit& permit, const Enrollment& child) {
  if (const auto* id = std::get_if<ChildId>(&permit.whom)) return *id == child.id;
  return std::get<Uuid>(permit.whom) == child.device_class;
}

/// What stands against a permit for the way that is wanted.
std::vector<Cause> faults_of(const State& state, const Permit& permit, const Child& child, Instant now) {
  std::vector<Cause> faults;
  const std::string name = "permit " + permit.id;
  const auto use = permit.uses.find(child.enrollment.id);
  if (use != permit.uses.end() && use->second != child.update->epoch)
    faults.push_back(
        {Reason::permit_used, name + " was used up by this child in update " + std::to_string(use->second)});
  if (!is_for(permit, child.enrollment))
    faults.push_back({Reason::permit_not_for_child, name + " is for another child or class"});
  if (!state.time_is_known) {
    faults.push_back(
        {Reason::time_unknown, name + " expires at " + to_text(permit.not_after) + ", and the time is not known"});
  } else if (permit.not_after < trusted_time(state, now)) {
    faults.push_back({Reason::permit_expired, name + " expired at " + to_text(permit.not_after)});
  }
  return faults;
}

/// Which of two permits to name, if neither helps: what time can heal before what this child has had, and both before
/// what was meant for somebody else.
int nearness(Reason reason) {
  constexpr Reason kOrder[] = {Reason::none, Reason::permit_not_for_child, Reason::permit_expired, Reason::permit_used,
                               Reason::time_unknown};
  return static_cast<int>(std::ranges::find(kOrder, reason) - std::begin(kOrder));
}

Cause below(const Deliverable& deliverable, const Floor& floor) {
  return {Reason::not_newer,
          "sequence " + std::to_string(deliverable.sequence) + " is below " + std::to_string(floor.sequence) +
              (floor.is_of_gateway ? ", the floor of this gateway" : ", which this child has confirmed")};
}

/// One without its key says for how much longer the key is granted that came with an earlier one.
Result<void> hold_granted(State& state, const GrantAccepted& event, Instant now, Output& out) {
  const ContentKey* held = held_key(state, event.grant.image);
  if (!event.key && (held == nullptr || !held->not_after)) return {};
  ContentKey key = event.key ? *event.key : *held;
  key.not_after = event.grant.not_after;
  return hold_keys(state, std::span(&key, 1), now, out);
}

}  // namespace

Instant trusted_time(const State& state, Instant now) {
  for (const auto& [channel, head] : state.heads) now = std::max(now, head.issued);
  return now;
}

void accept(State& state, const HeadAccepted& event, Instant, Output& out) {
  const Head& head = event.head;
  const auto known = state.heads.find(head.channel);
  if (known != state.heads.end()) {
    const int news = compare_versions(head.version, known->second.version);
    if (news < 0) out.refusal = older("head of channel " + head.channel + ",", head.version, known->second.version);
    if (news <= 0) return;
  } else if (state.heads.size() >= kMaxHeads) {
    out.refusal = Error{Errc::too_large, "heads of " + std::to_string(kMaxHeads) + " channels are known already"};
    return;
  }
  const auto is_new_floor = [&](const HeadEntry& e) { return e.minimum > 0 && !state.floors.contains(e.product); };
  const auto new_floors = static_cast<std::size_t>(std::ranges::count_if(head.entries, is_new_floor));
  if (const auto room = room_for_floors(state, new_floors); !room) {
    out.refusal = room.error();
    return;
  }
  for (const HeadEntry& entry : head.entries) raise_floor(state, entry.product, entry.minimum, out);
  state.heads.insert_or_assign(head.channel, head);
  out.changes.emplace_back(PutHead{head});
}

void accept(State& state, const PermitAccepted& event, Instant now, Output& out) {
  Permit permit = event.permit;
  permit.uses.clear();
  if (!is_permit_id(permit.id)) {
    out.refusal = Error{Errc::invalid, "'" + permit.id + "' is no id of a permit"};
    return;
  }
  if (state.permits.contains(permit.id)) {
    out.refusal = Error{Errc::exists, "permit " + permit.id + " is known already"};
    return;
  }
  if (state.permits.size() >= kMaxPermits) {
    const auto expired = oldest_expired(state, state.permits, now);
    if (expired == state.permits.end()) {
      out.refusal = Error{Errc::too_large, std::to_string(kMaxPermits) + " permits are known that have not expired"};
      return;
    }
    out.changes.emplace_back(DropPermit{expired->first});
    state.permits.erase(expired);
  }
  out.changes.emplace_back(PutPermit{permit});
  state.permits.emplace(permit.id, std::move(permit));
}

void accept(State& state, const GrantAccepted& event, Instant now, Output& out) {
  const Grant& grant = event.grant;
  const auto known = state.grants.find(grant.image);
  const bool has_no_room = known == state.grants.end() && state.grants.size() >= kMaxGrants;
  const auto expired = has_no_room ? oldest_expired(state, state.grants, now) : state.grants.cend();
  if (has_no_room && expired == state.grants.cend()) {
    out.refusal = Error{Errc::too_large, std::to_string(kMaxGrants) + " key grants are known that have not expired"};
    return;
  }
  if (const auto held = hold_granted(state, event, now, out); !held) {
    out.refusal = held.error();
    return;
  }
  if (known != state.grants.end() && known->second == grant) return;
  if (has_no_room) {
    out.changes.emplace_back(DropGrant{expired->first});
    state.grants.erase(expired);
  }
  state.grants.insert_or_assign(grant.image, grant);
  out.changes.emplace_back(PutGrant{grant});
}

void accept(State& state, const RootAccepted& event, Instant, Output& out) {
  const int news = compare_versions(event.root.version, state.root.version);
  if (news < 0) out.refusal = older("root", event.root.version, state.root.version);
  if (news <= 0) return;
  state.root = event.root;
  out.changes.emplace_back(PutRoot{event.root});
}

void accept(State& state, const RolloutClosed& event, Instant, Output& out) {
  const auto rollout = state.rollouts.find(event.rollout);
  const auto deliverable =
      rollout == state.rollouts.end() ? state.deliverables.end() : state.deliverables.find(rollout->second.deliverable);
  if (deliverable == state.deliverables.end()) {
    out.refusal = Error{Errc::not_found, "no rollout " + std::to_string(event.rollout)};
    return;
  }
  const std::string& product = deliverable->second.product;
  if (const auto room = room_for_floors(state, state.floors.contains(product) ? 0 : 1); !room) {
    out.refusal = room.error();
    return;
  }
  raise_floor(state, product, deliverable->second.sequence, out);
}

Result<void> may_begin(const State& state, const Deliverable& deliverable, Instant now) {
  const Head* naming = nullptr;   // a head that lists something of the product
  const Head* listing = nullptr;  // the freshest that lists this very manifest
  for (const auto& [channel, head] : state.heads) {
    for (const HeadEntry& entry : head.entries) {
      if (entry.product != deliverable.product) continue;
      naming = &head;
      const bool is_fresher = listing == nullptr || head.expires > listing->expires;
      if (entry.manifest == deliverable.id && is_fresher) listing = &head;
    }
  }
  if (naming == nullptr) {
    if (!state.policy.require_head) return {};
    return Error{Errc::denied, "no channel lists product " + deliverable.product};
  }
  if (listing == nullptr)
    return Error{Errc::denied, "not what channel " + naming->channel + " lists for product " + deliverable.product +
                                   ": mix and match"};
  if (!state.policy.hold_when_expired) return {};
  const std::string head = "the head of channel " + listing->channel;
  if (!state.time_is_known)
    return Error{Errc::denied, "the time is not known, and " + head + " expires; approve by name to go on"};
  if (listing->expires <= trusted_time(state, now))
    return Error{Errc::denied, head + " expired at " + to_text(listing->expires) + "; approve by name to go on"};
  return {};
}

std::variant<PermitId, Cause> find_permit(const State& state, const Child& child, const Deliverable& deliverable,
                                          Instant now) {
  const Floor floor = floor_of(state, child, deliverable.product);
  if (deliverable.sequence >= floor.sequence || child.committed == deliverable.id) return PermitId{};
  PermitId found;
  Cause nearest;  // what a permit lacks that lacks one thing only
  for (const auto& [id, permit] : state.permits) {
    if (permit.product != deliverable.product || permit.from != floor.sequence || permit.to != deliverable.sequence)
      continue;
    const std::vector<Cause> faults = faults_of(state, permit, child, now);
    if (faults.empty()) {
      if (permit.uses.contains(child.enrollment.id)) return id;  // by this very update
      if (found.empty()) found = id;
    } else if (faults.size() == 1 && nearness(faults.front().reason) > nearness(nearest.reason)) {
      nearest = faults.front();
    }
  }
  if (!found.empty()) return found;
  if (nearest.reason != Reason::none) return nearest;
  return below(deliverable, floor);
}

void use_permit(State& state, const Child& child, Instant now, Output& out) {
  const Update& update = *child.update;
  const auto permit = state.permits.find(update.permit);
  if (permit == state.permits.end()) return;
  const bool is_first = permit->second.uses.emplace(child.enrollment.id, update.epoch).second;
  if (!is_first) return;
  out.changes.emplace_back(PutPermit{permit->second});
  const std::string text = "goes back from sequence " + std::to_string(permit->second.from) + " to " +
                           std::to_string(permit->second.to) + " under permit " + permit->first + ", signed by " +
                           permit->second.signers;
  out.changes.emplace_back(
      PutHistory{now, child.enrollment.id, update.epoch, update.deliverable, update.phase, {Reason::none, text}});
}

}  // namespace hg::core
