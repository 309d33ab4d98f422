// SPDX-License-Identifier: Apache-2.0
#include "suit/findings.hpp"

#include <algorithm>

#include "suit/limits.hpp"
#include "suit/wait.hpp"

namespace hg::suit {
namespace {

std::optional<Uuid> to_uuid(const std::optional<Slice>& id) {
  if (!id) return std::nullopt;
  Uuid uuid{};
  std::ranges::copy(id->bytes, uuid.begin());  // 16 bytes: read_parameters checked it
  return uuid;
}

template <class T, class Choose>
void combine(std::optional<T>& mine, const std::optional<T>& other, Choose choose) {
  if (other) mine = mine ? choose(*mine, *other) : *other;
}

template <class T>
void add_once(std::vector<T>& to, T one) {
  if (std::ranges::find(to, one) == to.end()) to.push_back(std::move(one));
}

constexpr auto kSmaller = [](std::uint64_t a, std::uint64_t b) { return std::min(a, b); };
constexpr auto kLarger = [](std::uint64_t a, std::uint64_t b) { return std::max(a, b); };

/// What `slices` wrap was read when the parameters were: it can be read again.
void add_conditions(const Facts& facts, Conditions& to) {
  combine(to.use_before, facts.use_before, kSmaller);
  combine(to.minimum_battery_mwh, facts.battery_mwh, kLarger);
  to.needs_authorization |= facts.needs_authorization;
  for (const Slice& slice : facts.versions) {
    cbor::Reader reader = slice.reader();
    add_once(to.versions, *read_version_condition(reader));
  }
  for (const Slice& slice : facts.waits) {
    cbor::Reader reader = slice.reader();
    Wait wait = *read_wait(reader);
    to.needs_authorization |= wait.needs_authorization;
    combine(to.not_before, wait.not_before, kLarger);
    if (wait.after) add_once(to.after, std::move(*wait.after));
  }
}

/// `stage` is the target itself where nothing was copied.
Found to_found(const ComponentId& component, const Item& target, const Item& stage) {
  const Holding& holding = *target.holding;
  const auto said = [&](auto member) {
    return (target.facts.*member) ? (target.facts.*member) : (stage.facts.*member);
  };
  Found found;
  Image& image = found.image;
  image.component = component;
  image.vendor_id = to_uuid(said(&Facts::vendor_id));
  image.class_id = to_uuid(said(&Facts::class_id));
  image.device_id = to_uuid(said(&Facts::device_id));
  image.slot = target.facts.slot;
  image.digest = holding.digest;
  image.size = holding.size;
  if (holding.uri) image.uri = holding.uri->text();
  if (holding.encryption_info)
    image.encryption_info = Bytes(holding.encryption_info->bytes.begin(), holding.encryption_info->bytes.end());
  image.plaintext = holding.plaintext;
  add_conditions(target.facts, image.conditions);
  add_conditions(stage.facts, image.conditions);
  found.uri = holding.uri;
  found.content = holding.content;
  return found;
}

Dependency to_dependency(const ComponentId& id, const std::optional<Holding>& envelope) {
  Dependency dependency;
  dependency.id = id;
  if (!envelope) return dependency;
  dependency.digest = envelope->digest.value_or(Digest{});
  dependency.size = envelope->size.value_or(0);
  if (envelope->uri) dependency.uri = envelope->uri->text();
  return dependency;
}

Result<void> look_up(Dependency& dependency, Bundle& bundle) {
  if (dependency.digest.empty()) return {};
  const std::optional<std::uint64_t> size = dependency.size == 0 ? std::nullopt : std::optional(dependency.size);
  const auto found = bundle.find({dependency.digest, size, dependency.uri});
  if (!found) return found.error().within("dependency " + dependency.id.text());
  dependency.is_here = found->has_value();
  if (dependency.is_here) dependency.signers = bundle[**found].by.signers;
  return {};
}

/// What the courses say of one of them.
std::vector<Dependency> alternatives_of(const Outcome& outcome, std::size_t subject) {
  std::vector<Dependency> alternatives;
  const ComponentId& id = outcome.subjects[subject].id;
  for (const Course& course : outcome.courses) {
    const std::optional<Holding>& envelope = course.items[subject].holding;
    if (envelope) add_once(alternatives, to_dependency(id, envelope));
  }
  if (alternatives.empty()) alternatives.push_back(to_dependency(id, std::nullopt));
  return alternatives;
}

}  // namespace

Result<std::vector<Found>> find_images(const Outcome& outcome) {
  std::vector<Found> images;
  for (std::size_t i = 0; i < outcome.subjects.size(); ++i) {
    if (outcome.subjects[i].is_dependency) continue;
    for (const Course& course : outcome.courses) {
      const Item& target = course.items[i];
      if (!target.holding || target.is_staging) continue;
      const Item& stage = course.items[target.holding->fetched_into.value_or(i)];
      Found found = to_found(outcome.subjects[i].id, target, stage);
      const auto is_same = [&found](const Found& other) { return other.image == found.image; };
      if (std::ranges::any_of(images, is_same)) continue;
      if (images.size() == kMaxImages) {
        return Error{Errc::too_large, "more than " + std::to_string(kMaxImages) + " images"};
      }
      images.push_back(std::move(found));
    }
  }
  return images;
}

Result<std::vector<Dependency>> find_dependencies(const Outcome& outcome, Bundle& bundle) {
  std::vector<Dependency> dependencies;
  for (std::size_t i = 0; i < outcome.subjects.size(); ++i) {
    if (!outcome.subjects[i].is_dependency) continue;
    for (Dependency& dependency : alternatives_of(outcome, i)) {
      if (auto looked = look_up(dependency, bundle); !looked) return looked.error();
      dependencies.push_back(std::move(dependency));
    }
  }
  return dependencies;
}

std::optional<std::int64_t> find_priority(const Outcome& outcome) {
  std::optional<std::int64_t> smallest;
  const auto smaller = [](std::int64_t a, std::int64_t b) { return std::min(a, b); };
  for (const Course& course : outcome.courses) combine(smallest, course.priority, smaller);
  return smallest;
}

}  // namespace hg::suit
