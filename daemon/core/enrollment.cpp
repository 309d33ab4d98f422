// SPDX-License-Identifier: Apache-2.0
#include "core/enrollment.hpp"

#include <algorithm>

#include "core/content_keys.hpp"
#include "core/transaction.hpp"

namespace hg::core {

namespace {

std::string by_uid(std::uint32_t uid) {
  return "uid " + std::to_string(uid);
}

Address address_of(const Registration& registration) {
  return {registration.transport, registration.address};
}

/// "wrap key p256 0011aabbccdd", for people: of a secret its fingerprint.
std::string describe(const ChildKey& key) {
  constexpr std::size_t kShown = 12;
  return std::string(name_of(key.use)) + " key " + std::string(name_of(key.kind)) + " " +
         key.id.hex().substr(0, kShown);
}

Result<void> may_have(const Child& child, const ChildKey& key) {
  const std::uint8_t tier = child.enrollment.protection.tier;
  if (tier_takes(tier, key.use, key.kind)) return {};
  return Error{Errc::mismatch, "child " + child.enrollment.id + ": no " + std::string(name_of(key.kind)) +
                                   " key is taken to " + std::string(name_of(key.use)) +
                                   (tier == 0 ? "" : " by a child of tier " + std::to_string(tier))};
}

/// The name by which a child shows its PSK; empty: it has none.
std::string_view identity_of(const ChildId& child, const ChildKey& key) {
  if (key.use != KeyUse::link || key.kind != KeyKind::psk) return {};
  return key.name.empty() ? std::string_view(child) : std::string_view(key.name);
}

/// Of two children of a plugin with one identity nobody could tell which one is there.
Result<void> is_alone_with_identity(const State& state, const Child& child, const ChildKey& key) {
  const std::string_view identity = identity_of(child.enrollment.id, key);
  if (identity.empty()) return {};
  for (const auto& [id, other] : state.children) {
    const auto link_key = other.keys.find(KeyUse::link);
    if (id == child.enrollment.id || link_key == other.keys.end()) continue;
    if (other.enrollment.transport == child.enrollment.transport && identity_of(id, link_key->second) == identity)
      return Error{Errc::exists, "child " + id + " has the identity " + std::string(identity) +
                                     " already: give this one another, by --name"};
  }
  return {};
}

Result<void> may_be_registered(const State& state, const ChildRegistered& event) {
  const Registration& wanted = event.registration;
  const Child* known = find_child(state, wanted.id);
  if (known != nullptr && known->enrolled && !known->registration)
    return Error{Errc::exists, "child " + wanted.id + " is named by the configuration"};
  if (known != nullptr && known->update && is_past_activate(*known->update))
    return Error{Errc::busy, "child " + wanted.id + " is in an update that is past ACTIVATE"};
  // Also one whom somebody has taken out: he stays in sight, and would be back before the command has returned.
  if (wanted.origin == Origin::policy && known != nullptr)
    return Error{Errc::exists,
                 "child " + wanted.id + " was known before: a policy takes strangers only, so enroll it by name"};
  const auto there = state.addresses.find(address_of(wanted));
  if (there != state.addresses.end() && there->second != wanted.id)
    return Error{Errc::exists,
                 "child " + there->second + " is at " + wanted.transport + " " + wanted.address + " already"};
  if (known == nullptr && state.children.size() >= kMaxRegistrations)
    return Error{Errc::busy, std::to_string(kMaxRegistrations) + " children are known already"};
  Child of_any_tier;  // its profile, and so its tier, may be another one from now on: service/roster has judged by that
  of_any_tier.enrollment.id = wanted.id;
  for (const auto& [use, key] : event.keys)
    if (const auto may = may_have(of_any_tier, key); !may) return may.error();
  return {};
}

/// What it says of who has set it, and which one was there before.
Cause key_is_set(const Child& child, const ChildKey& key, const std::string& who) {
  const auto before = child.keys.find(key.use);
  std::string text = who + " has set the " + describe(key);
  if (before != child.keys.end() && before->second.id != key.id) text += " in the place of " + describe(before->second);
  return {Reason::key_changed, std::move(text)};
}

void set_key(Turn& turn, Child& child, const ChildKey& key, const std::string& who) {
  const Cause cause = key_is_set(child, key, who);
  child.keys.insert_or_assign(key.use, key);
  turn.tell(cause);
  turn.key_changed(key.use, cause);
}

/// Said loudly, since nothing else shows it.
std::string nobody_asks(KeyUse use) {
  return use == KeyUse::identify ? ": until it has another one, nobody asks who it is before it gets an image" : "";
}

void withdraw(Turn& turn, const Child& child, const Cause& cause) {
  if (child.update && !is_over(*child.update)) turn.withdraw(cause);
}

/// Whether nothing that is under way hangs on who the child is.
Result<void> may_go(const State& state, const Child& child) {
  const ChildId& id = child.enrollment.id;
  if (child.update && is_past_activate(*child.update))
    return Error{Errc::busy, "child " + id + " is in an update that is past ACTIVATE"};
  const auto group = state.groups.find(child.group);
  if (group != state.groups.end() && is_bound(state, group->second))
    return Error{Errc::busy,
                 "child " + id + " is a member of group " + group->first + ", which is past ACTIVATE or split"};
  return {};
}

}  // namespace

void note_address(State& state, const ChildId& child, const Address& address) {
  if (!address.second.empty()) state.addresses.insert_or_assign(address, child);
}

void forget_address(State& state, const ChildId& child, const Address& address) {
  const auto known = state.addresses.find(address);
  if (known != state.addresses.end() && known->second == child) state.addresses.erase(known);
}

void index_addresses(State& state) {
  state.addresses.clear();
  for (const auto& [id, child] : state.children)
    if (child.registration) note_address(state, id, address_of(*child.registration));
}

void on_enrollment(State& state, const ChildRegistered& event, Instant now, Output& out) {
  const Registration& registration = event.registration;
  if (const auto may = may_be_registered(state, event); !may) {
    out.refusal = may.error();
    return;
  }
  const auto [position, is_new] = state.children.try_emplace(registration.id);
  Child& child = position->second;
  if (is_new) child.enrollment.id = registration.id;
  if (child.registration) forget_address(state, registration.id, address_of(*child.registration));
  note_address(state, registration.id, address_of(registration));
  state.discovered.erase(registration.id);
  with_child(state, child, now, out, [&](Turn& turn) {
    if (child.registration == registration && event.keys.empty()) return;
    child.registration = registration;
    turn.tell({Reason::none, registration.by + " has registered it at " + registration.transport + " " +
                                 registration.address + " as " + registration.profile});
    for (const auto& [use, key] : event.keys) set_key(turn, child, key, registration.by);
  });
  out.touched.push_back(registration.id);
}

void on_enrollment(State& state, const ChildUnregistered& event, Instant now, Output& out) {
  Child* child = find_child(state, event.child);
  if (child == nullptr || !child->registration) {
    out.refusal =
        Error{Errc::not_found, child == nullptr || !child->enrolled
                                   ? "no child " + event.child + " is registered"
                                   : "child " + event.child + " is named by the configuration: drop it there"};
    return;
  }
  auto may = may_go(state, *child);
  if (may && !child->group.empty())
    may = Error{Errc::busy, "child " + event.child + " is a member of group " + child->group};
  if (!may) {
    out.refusal = may.error();
    return;
  }
  forget_address(state, event.child, address_of(*child->registration));
  forget_address(state, event.child, {child->enrollment.transport, child->enrollment.address});
  with_child(state, *child, now, out, [&](Turn& turn) {
    const Cause cause{Reason::none, by_uid(event.uid) + " has unregistered it: its keys are forgotten"};
    withdraw(turn, *child, {Reason::aborted, cause.text});
    turn.tell(cause);
    child->registration.reset();
    child->keys.clear();
    child->enrolled = false;
    child->online = false;
    child->in_doubt = true;
    child->identified = Identified::no;
  });
  out.touched.push_back(event.child);
}

/// The oldest goes when there are too many.
void on_enrollment(State& state, const ChildDiscovered& event, Instant, Output& out) {
  const Discovered& stranger = event.discovered;
  const Child* known = find_child(state, stranger.id);
  const bool is_known = known != nullptr && (known->enrolled || known->registration);
  if (is_known || state.addresses.contains({stranger.transport, stranger.address})) return;
  if (!state.discovered.contains(stranger.id) && state.discovered.size() >= kMaxDiscovered) {
    const auto is_older = [](const auto& a, const auto& b) { return a.second.at < b.second.at; };
    const auto oldest = std::ranges::min_element(state.discovered, is_older);
    out.touched.push_back(oldest->first);
    state.discovered.erase(oldest);
  }
  state.discovered.insert_or_assign(stranger.id, stranger);
  out.touched.push_back(stranger.id);
}

void on_enrollment(State& state, const ChildVanished& event, Instant, Output& out) {
  const auto found = state.discovered.find(event.child);
  if (found == state.discovered.end() || found->second.transport != event.transport) return;
  state.discovered.erase(found);
  out.touched.push_back(event.child);
}

void on_enrollment(State& state, const ChildKeySet& event, Instant now, Output& out) {
  Child* child = find_child(state, event.child);
  if (child == nullptr || !(child->enrolled || child->registration)) {
    out.refusal = Error{Errc::not_found, "no child " + event.child};
    return;
  }
  for (const auto& may : {may_have(*child, event.key), is_alone_with_identity(state, *child, event.key)}) {
    if (may) continue;
    out.refusal = may.error();
    return;
  }
  with_child(state, *child, now, out, [&](Turn& turn) { set_key(turn, *child, event.key, by_uid(event.key.set_by)); });
  out.touched.push_back(event.child);
}

void on_enrollment(State& state, const ChildKeyRevoked& event, Instant now, Output& out) {
  Child* child = find_child(state, event.child);
  if (child == nullptr || !child->keys.contains(event.use)) {
    out.refusal =
        Error{Errc::not_found, "no child " + event.child + " with a key to " + std::string(name_of(event.use))};
    return;
  }
  with_child(state, *child, now, out, [&](Turn& turn) {
    const Cause cause{Reason::key_changed, by_uid(event.uid) + " has revoked the " +
                                               describe(child->keys.at(event.use)) + nobody_asks(event.use)};
    child->keys.erase(event.use);
    turn.tell(cause);
    turn.key_changed(event.use, cause);
  });
  out.touched.push_back(event.child);
}

/// What the board before it said, held and was brought is not about this one; that the place in the plant does not go
/// below its floors is.
void on_enrollment(State& state, const BoardReplaced& event, Instant now, Output& out) {
  Child* child = find_child(state, event.child);
  if (child == nullptr || !(child->enrolled || child->registration)) {
    out.refusal = Error{Errc::not_found, "no child " + event.child};
    return;
  }
  if (const auto may = may_go(state, *child); !may) {
    out.refusal = may.error();
    return;
  }
  with_child(state, *child, now, out, [&](Turn& turn) {
    const Cause cause{Reason::key_changed, by_uid(event.uid) + " has put another board in its place"};
    turn.forget_backup(cause.text);
    if (child->update && is_over(*child->update)) {  // of the board before
      state.updates.erase(child->update->epoch);
      child->update.reset();
    }
    withdraw(turn, *child, cause);
    turn.tell(cause);
    child->keys.clear();
    child->seen.reset();
    child->committed.clear();
    child->confirms_itself = false;
    child->identified = Identified::no;
    child->in_doubt = true;
    child->step = Idle{};  // what the old one was asked is given up, even if the new one is asked the same
  });
  out.touched.push_back(event.child);
}

/// Public keys stay, and so does what was made under an update past ACTIVATE.
void on_enrollment(State& state, const StoreKeyReplaced&, Instant now, Output& out) {
  lose_keys(state, out);
  for (auto& [id, child] : state.children) {
    const auto is_lost = [](const auto& entry) { return is_secret(entry.second.kind); };
    const bool has_views = child.update && !child.update->views.empty();
    if (!has_views && std::ranges::none_of(child.keys, is_lost)) continue;
    with_child(state, child, now, out, [&](Turn& turn) {
      const Cause cause{Reason::key_changed, "the store key is another one: what was sealed under the old one is lost"};
      if (std::erase_if(child.keys, is_lost) > 0) turn.tell(cause);
      child.identified = Identified::no;
      turn.lose_views(cause);
    });
  }
}

void on_enrollment(State& state, const EnrollmentListTaken& event, Instant, Output& out) {
  const auto last = state.enrollment_lists.find(event.name);
  if (last != state.enrollment_lists.end() && last->second >= event.version) {
    out.refusal = Error{
        Errc::exists, "enrollment list " + event.name + " is at version " + std::to_string(last->second) + " already"};
    return;
  }
  state.enrollment_lists.insert_or_assign(event.name, event.version);
  out.changes.emplace_back(PutEnrollmentList{event.name, event.version});
}

}  // namespace hg::core
