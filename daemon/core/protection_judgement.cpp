// SPDX-License-Identifier: Apache-2.0
#include "core/protection_judgement.hpp"

#include <algorithm>
#include <string>

#include "core/content_keys.hpp"
#include "core/preflight.hpp"

namespace hg::core {

namespace {

/// What is shown before what is claimed, of the same kind.
bool is_weaker(const Protected& a, const Protected& b) {
  return a.kind != b.kind ? a.kind < b.kind : a.is_claimed && !b.is_claimed;
}

std::string text_of(const Protected& by) {
  return (by.is_claimed ? "a claimed " : "") + std::string(name_of(by.kind));
}

bool fits(Wrap wrap, KeyKind kind) {
  switch (wrap) {
    case Wrap::ec256:
      return kind == KeyKind::p256;
    case Wrap::x25519:
    case Wrap::x25519_sha512:
      return kind == KeyKind::x25519;
    case Wrap::aes_kw:
      return kind == KeyKind::aes;  // its size only the key itself shows: KeySafe refuses another one
    case Wrap::cose:
      return kind == KeyKind::p256 || kind == KeyKind::x25519 || kind == KeyKind::aes;
    case Wrap::unknown:
    case Wrap::rsa2048:
      break;
  }
  return false;
}

/// What the link gives a plain image: the stronger of what it is and what is declared of it.
Protected of_link(const Enrollment& child, LinkSecurity link) {
  const bool is_claimed = link == LinkSecurity::claimed;
  if (link != LinkSecurity::none && (!is_claimed || child.protection.takes_claims))
    return {Protection::link, is_claimed};
  if (child.link == LinkProtection::internal) return {Protection::internal, false};
  return {link == LinkSecurity::none ? Protection::none : Protection::link, is_claimed};
}

ProtectionJudgement of_ciphertext(const State& state, const Child& child, const Image& image) {
  if (is_rewrapped(state, child, image)) return {{Protection::rewrapped, false}, {}};
  if (child.enrollment.protection.sealed_by_vendor) return {{Protection::sealed, true}, {}};
  if (held_key(state, image.digest) == nullptr)
    return {{},
            {Reason::content_key_unknown,
             "this gateway cannot open the image, and the child's profile does not say that its vendor seals for it"}};
  const std::string wrap(image.sealing ? name_of(image.sealing->wrap) : name_of(Wrap::unknown));
  return {{}, {Reason::no_child_key, "the child has no key that a content key can be wrapped for by " + wrap}};
}

}  // namespace

const ChildKey* wrap_key(const Child& child, const Sealing& sealing) {
  const auto found = child.keys.find(KeyUse::wrap);
  if (found == child.keys.end()) return nullptr;
  const KeyKind kind = found->second.kind;
  const bool is_taken = tier_takes(child.enrollment.protection.tier, KeyUse::wrap, kind);
  return is_taken && fits(sealing.wrap, kind) ? &found->second : nullptr;
}

bool is_rewrapped(const State& state, const Child& child, const Image& image) {
  return image.encrypted && image.sealing && held_key(state, image.digest) != nullptr &&
         wrap_key(child, *image.sealing) != nullptr;
}

const View* view_for(const State& state, const Child& child, const Image& image) {
  if (!child.update || !is_rewrapped(state, child, image)) return nullptr;
  const auto view = child.update->views.find(image.digest);
  const bool is_there = view != child.update->views.end() && view->second.key == wrap_key(child, *image.sealing)->id;
  return is_there ? &view->second : nullptr;
}

ProtectionJudgement protected_by(const State& state, const Child& child, const Image& image, LinkSecurity link) {
  const ProtectionPolicy& policy = child.enrollment.protection;
  ProtectionJudgement judgement;
  if (image.encrypted)
    judgement = of_ciphertext(state, child, image);
  else
    judgement.by = of_link(child.enrollment, link);
  if (judgement.cause.reason != Reason::none) return judgement;
  const Protected& by = judgement.by;
  if (by.kind == Protection::none)
    judgement.cause = {Reason::no_protection,
                       "the image is plain, the child's link does not encrypt, and it is not declared internal in the "
                       "configuration"};
  else if (by.kind < policy.least)
    judgement.cause = {Reason::no_protection, "it would be protected by " + text_of(by) +
                                                  ", and the profile asks for " + std::string(name_of(policy.least)) +
                                                  " at least"};
  else if (by.is_claimed && !policy.takes_claims)
    judgement.cause = {Reason::no_protection,
                       "it would be protected by " + text_of(by) + ", and the profile takes no claims"};
  return judgement;
}

ProtectionJudgement protected_by(const State& state, const Child& child, const Image& image) {
  return protected_by(state, child, image, child.link_security);
}

bool must_identify(const Child& child) {
  return child.identified != Identified::yes && child.keys.contains(KeyUse::identify);
}

Protected protection_of(const State& state, const Child& child) {
  std::optional<Protected> weakest;
  if (child.update) {
    for (const Part& part : child.update->parts) {
      const Image* image = image_of(state, *child.update, part);
      if (image == nullptr) continue;
      const Protected by = protected_by(state, child, *image).by;
      if (!weakest || is_weaker(by, *weakest)) weakest = by;
    }
  }
  if (weakest) return *weakest;
  const auto key = child.keys.find(KeyUse::wrap);
  const ProtectionPolicy& policy = child.enrollment.protection;
  if (key != child.keys.end() && tier_takes(policy.tier, KeyUse::wrap, key->second.kind))
    return {Protection::rewrapped, false};
  return of_link(child.enrollment, child.link_security);
}

}  // namespace hg::core
