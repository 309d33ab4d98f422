// SPDX-License-Identifier: Apache-2.0
#include "suit/course.hpp"

#include <algorithm>

namespace hg::suit {
namespace {

/// Digests by different algorithms may be of the same bytes.
bool contradict(const Digest& a, const Digest& b) {
  return a != b && a.bytes().size() == b.bytes().size();
}

void pass(Holding& holding, std::size_t from) {
  if (std::ranges::find(holding.way, from) == holding.way.end()) holding.way.push_back(from);
}

/// A plain copy has the size and digest of its source, so each may be said at either end.
Objection agree(Holding& holding, const Parameters& target) {
  if (holding.digest && target.image_digest && contradict(*holding.digest, *target.image_digest)) {
    return "of another image than the one fetched";
  }
  if (holding.size && target.image_size && *holding.size != *target.image_size) {
    return "of another size than the one fetched";
  }
  if (!holding.digest) holding.digest = target.image_digest;
  if (!holding.size) holding.size = target.image_size;
  return nullptr;
}

}  // namespace

void Course::forget_parameters() {
  for (Item& item : items) item.now = Parameters{};
}

bool operator==(const Course& a, const Course& b) {
  const auto same = [](const Item& x, const Item& y) {
    return x.is_staging == y.is_staging && x.holding == y.holding && x.facts == y.facts;
  };
  return a.priority == b.priority && std::ranges::equal(a.items, b.items, same);
}

Objection bring(Item& item, const Holding& holding) {
  const bool keeps_another = item.holding && !item.is_staging && *item.holding != holding;
  if (keeps_another) return "brings another image into the same component";
  item.holding = holding;
  item.is_staging = false;
  return nullptr;
}

/// "A digest MUST always be set using Override Parameters" (§8.4.10.4) is asked by check_deliverable(), since the
/// drafts' own examples of encryption have none.
Objection fetch(Item& item) {
  if (!item.now.uri) return "without a URI";
  Holding holding;
  holding.uri = item.now.uri;
  holding.digest = item.now.image_digest;
  holding.size = item.now.image_size;
  return bring(item, holding);
}

Objection write(Item& item) {
  if (!item.now.content) return "without content";
  Holding holding;
  holding.content = item.now.content;
  holding.size = item.now.content->bytes.size();
  holding.encryption_info = item.now.encryption_info;
  if (holding.encryption_info) holding.plaintext = item.now.image_digest;
  return bring(item, holding);
}

Objection copy(Item& source, std::size_t from, Item& target) {
  if (!source.holding) {  // what was on the device before
    target.holding.reset();
    return nullptr;
  }
  Holding holding = *source.holding;
  pass(holding, from);
  if (target.now.encryption_info) {
    if (holding.encryption_info) return "decrypts what was decrypted already";
    holding.encryption_info = target.now.encryption_info;
    holding.plaintext = target.now.image_digest;
  } else if (!holding.encryption_info) {
    if (const Objection objection = agree(holding, target.now)) return objection;
  }
  source.is_staging = true;
  return bring(target, holding);
}

void swap(Item& source, std::size_t from, Item& target, std::size_t to) {
  std::swap(source.holding, target.holding);
  std::swap(source.is_staging, target.is_staging);
  if (target.holding) pass(*target.holding, from);
  if (source.holding) pass(*source.holding, to);
}

bool match(Item& item) {
  Holding& holding = *item.holding;
  std::optional<Digest>& known = holding.encryption_info ? holding.plaintext : holding.digest;
  if (!known) known = item.now.image_digest;
  return !contradict(*known, *item.now.image_digest);
}

}  // namespace hg::suit
