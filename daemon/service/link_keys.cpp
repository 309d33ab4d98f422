// SPDX-License-Identifier: Apache-2.0
#include "service/link_keys.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace hg::service {

namespace {

using LinkKey = ports::Transport::LinkKey;

const core::ChildKey* link_key_in(const core::State& state, const core::ChildId& id) {
  const auto child = state.children.find(id);
  if (child == state.children.end()) return nullptr;
  const auto key = child->second.keys.find(core::KeyUse::link);
  return key == child->second.keys.end() ? nullptr : &key->second;
}

/// In the place of a key that does not open: the child has one, so that what comes without it is not taken for it.
LinkKey unknown_to_all(std::string identity) {
  LinkKey key;
  key.kind = LinkKey::Kind::psk;
  key.identity = std::move(identity);
  key.secret = Secret(32);
  std::random_device random;
  std::generate_n(key.secret.data(), key.secret.size(), [&random] { return static_cast<std::uint8_t>(random()); });
  return key;
}

}  // namespace

LinkKeys::LinkKeys(const core::State& state, ports::Transport& transport, ports::Journal& journal,
                   const ports::KeySafe* safe)
    : state_(state), transport_(transport), journal_(journal), safe_(safe) {
  transport_.take_link_keys_from([this](const core::ChildId& child) { return key_of(child); });
}

Result<LinkKey> LinkKeys::revealed(const core::ChildId& child, const core::ChildKey& key) const {
  LinkKey revealed;
  if (key.kind == core::KeyKind::certificate) {
    revealed.kind = LinkKey::Kind::certificate;
    revealed.certificate = key.id;
    return revealed;
  }
  if (safe_ == nullptr) return Error{Errc::unsupported, "this gateway has no key of its own"};
  auto secret = safe_->reveal_link_key(child, key);
  if (!secret) return secret.error();
  const bool is_psk = key.kind == core::KeyKind::psk;
  revealed.kind = is_psk ? LinkKey::Kind::psk : LinkKey::Kind::passkey;
  if (is_psk) revealed.identity = key.name.empty() ? child : key.name;
  revealed.secret = std::move(*secret);
  return revealed;
}

LinkKey LinkKeys::key_of(const core::ChildId& child) {
  const core::ChildKey* key = link_key_in(state_, child);
  if (key == nullptr) return {};
  known_.insert_or_assign(child, *key);
  auto found = revealed(child, *key);
  if (found) return std::move(*found);
  journal_.write(ports::Level::warning, {child, {}, {}},
                 "child " + child + ": its link key does not open, so that its links stay down: " +
                     found.error().message + "; set it again: headgatectl children set-key " + child + " link FILE");
  if (key->kind == core::KeyKind::passkey) return {};  // a wrong one would be tried on the child, and counted there
  return unknown_to_all(key->name.empty() ? child : key->name);
}

void LinkKeys::look_at(const core::ChildId& child) {
  const core::ChildKey* key = link_key_in(state_, child);
  const auto known = known_.find(child);
  if (key == nullptr && known == known_.end()) return;
  if (key != nullptr && known != known_.end() && known->second == *key) return;
  if (key == nullptr)
    known_.erase(known);
  else
    known_.insert_or_assign(child, *key);
  transport_.link_key_changed(child);
}

void LinkKeys::changed(const core::State&, std::span<const core::Change> changes,
                       std::span<const core::ChildId> touched) {
  for (const core::Change& change : changes)
    if (const auto* put = std::get_if<core::PutChild>(&change)) look_at(put->child.enrollment.id);
  for (const core::ChildId& child : touched) look_at(child);
}

}  // namespace hg::service
