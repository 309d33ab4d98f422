// SPDX-License-Identifier: Apache-2.0
// The words for images that are encrypted and children that have keys: the boiler's deliverable as ciphertext whose key
// stands in it by EC256, a key of each use, and a Bench whose boiler gets nothing that its profile does not allow.
#pragma once

#include "core/content_keys.hpp"
#include "core/protection_judgement.hpp"
#include "core/table_child.hpp"

namespace hg::core::table {

inline Sealing sealing(Wrap wrap = Wrap::ec256) {
  return {wrap, 128, 3900, 113};
}

inline Deliverable encrypted_deliverable(Wrap wrap = Wrap::ec256) {
  Deliverable d = deliverable();
  d.images.front().encrypted = true;
  d.images.front().sealing = sealing(wrap);
  return d;
}

/// That opens the boiler's image; `letter` stands for the key itself.
inline ContentKey content_key(char letter = 'k') {
  return {kBlob, Bytes(60, 1), digest_of(letter), kNew};
}

inline ChildKey child_key(KeyUse use = KeyUse::wrap, KeyKind kind = KeyKind::p256, char letter = '1') {
  return {use, kind, digest_of(letter), "boiler", Bytes(91, 2), kNow, 1000};
}

/// What is made of the boiler's image for the key of this letter.
inline View view(char letter = '1') {
  return {digest_of('v'), digest_of(letter), {{3900, Bytes(113, 7)}}};
}

/// Its image is ciphertext, its content key is held, it has a key to wrap for, and its profile wants that.
class KeyBench : public Bench {
 public:
  explicit KeyBench(Wrap wrap = Wrap::ec256) {
    state.deliverables.at(kDeliverable) = encrypted_deliverable(wrap);
    Enrollment e = enrollment();
    e.link = LinkProtection::none;
    e.protection = {Protection::rewrapped, false, false, 0};
    post(ChildEnrolled{e});
    post(DeliverableSealed{encrypted_deliverable(wrap), {content_key()}});
    post(ChildKeySet{kBoiler, child_key()});
  }

  /// Until the first view is to be made.
  void go_to_prepare() { go_to(Phase::transferring); }
  Output prepares(char letter = '1') { return answer(Prepared{view(letter)}); }

  std::string reason() { return std::string(name_of(update().cause.reason)); }
  /// Whether the history has a line with this reason whose text holds `words`.
  bool tells(Reason reason, std::string_view words) const {
    for (const PutHistory& line : history)
      if (line.cause.reason == reason && line.cause.text.find(words) != std::string::npos) return true;
    return false;
  }
};

}  // namespace hg::core::table
