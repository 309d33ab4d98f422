// SPDX-License-Identifier: Apache-2.0
#include "coap/link_keys.hpp"

#include <utility>

namespace hg::coap {
namespace {

using plugin::LinkKey;
using plugin::LinkKeyKind;

bool is_same(const LinkKey& a, const LinkKey& b) {
  return a.kind == b.kind && a.identity == b.identity && a.certificate == b.certificate &&
         equal_in_constant_time(a.secret.view(), b.secret.view());
}

}  // namespace

std::optional<LinkKey> LinkKeys::set(const std::string& child, LinkKey key) {
  std::optional<LinkKey> before;
  if (const auto known = keys_.find(child); known != keys_.end()) {
    if (is_same(known->second, key)) return std::nullopt;
    before = std::move(known->second);
    keys_.erase(known);
    const auto owner = children_by_identity_.find(before->identity);
    if (owner != children_by_identity_.end() && owner->second == child) children_by_identity_.erase(owner);
  }
  if (key.kind == LinkKeyKind::none) return before;
  if (key.kind == LinkKeyKind::psk) children_by_identity_[key.identity] = child;
  keys_.emplace(child, std::move(key));
  return before;
}

const LinkKey* LinkKeys::by_identity(std::string_view identity) const {
  const auto child = children_by_identity_.find(identity);
  return child == children_by_identity_.end() ? nullptr : psk_of(child->second);
}

const LinkKey* LinkKeys::psk_of(const std::string& child) const {
  const auto key = keys_.find(child);
  return key != keys_.end() && key->second.kind == LinkKeyKind::psk ? &key->second : nullptr;
}

}  // namespace hg::coap
