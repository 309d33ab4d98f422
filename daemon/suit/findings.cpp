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
void add_common_conditions(const Facts& facts, Conditions& to) {
  combine(to.use_before, facts.use_before, kSmaller);
  combine(to.minimum_battery_mwh, facts.battery_mwh, kLarger);
  to.needs_authorization |= facts.needs_authorization;
  for (const Slice& slice : facts.waits) {
    cbor::Reader reader = slice.reader();
    Wait wait = *read_wait(reader);
    to.needs_authorization |= wait.needs_authorization;
    combine(to.not_before, wait.not_before, kLarger);
    if (wait.after) add_once(to.after, std::move(*wait.after));
  }
}

std::vector<VersionCondition> versions_of(const Facts& facts) {
  std::vector<VersionCondition> versions;
  for (const Slice& slice : facts.versions) {
    cbor::Reader reader = slice.reader();
    add_once(versions, *read_version_condition(reader));
  }
  return versions;
}

/// Of the target and of the components that its bytes came through. That the image itself is there already, or not yet,
/// decides only whether there is anything to do.
void add_own(const Facts& facts, Image& image) {
  add_common_conditions(facts, image.conditions);
  for (VersionCondition& version : versions_of(facts)) add_once(image.conditions.versions, std::move(version));
  const auto is_another = [&image](const Digest& each) { return each != image.digest && each != image.plaintext; };
  for (const auto* digests : {&facts.present, &facts.missing}) {
    image.conditions.is_of_present_image |= std::ranges::any_of(*digests, is_another);
  }
}

/// Of a component that nothing is ever brought to: where its conditions fail, all the rest is not done either.
void add_others(const ComponentId& component, const Facts& facts, Image& image) {
  add_common_conditions(facts, image.conditions);
  std::vector<VersionCondition> versions = versions_of(facts);
  if (!versions.empty()) add_once(image.conditions.after, TargetVersion{component.text(), std::move(versions)});
  image.conditions.is_of_present_image |= !facts.present.empty() || !facts.missing.empty();
  if (!image.device_id) image.device_id = to_uuid(facts.device_id);
  if (!image.slot) image.slot = facts.slot;
}

/// What the target says, else the first of those that its bytes came through. For whom it is they must not say
/// differently: no device would be meant.
template <class T>
std::optional<T> said(const std::vector<const Facts*>& way, std::optional<T> Facts::*member) {
  for (const Facts* facts : way) {
    if (facts->*member) return facts->*member;
  }
  return std::nullopt;
}

Result<std::optional<Uuid>> identifier(const std::vector<const Facts*>& way, std::optional<Slice> Facts::*member,
                                       std::string_view name) {
  const std::optional<Slice> id = said(way, member);
  const auto is_another = [&](const Facts* facts) { return facts->*member && *(facts->*member) != *id; };
  if (std::ranges::none_of(way, is_another)) return to_uuid(id);
  return Error{Errc::invalid, std::string(name) + " of a component contradicts that of its stage"};
}

Result<void> add_identity(const std::vector<const Facts*>& way, Image& image) {
  const auto vendor = identifier(way, &Facts::vendor_id, "condition-vendor-identifier (1)");
  if (!vendor) return vendor.error();
  const auto device_class = identifier(way, &Facts::class_id, "condition-class-identifier (2)");
  if (!device_class) return device_class.error();
  const auto device = identifier(way, &Facts::device_id, "condition-device-identifier (24)");
  if (!device) return device.error();
  image.vendor_id = *vendor;
  image.class_id = *device_class;
  image.device_id = *device;
  image.slot = said(way, &Facts::slot);
  return {};
}

/// The image in a component of a course.
Result<Found> to_found(const ComponentId& component, const Course& course, const Item& target) {
  const Holding& holding = *target.holding;
  std::vector<const Facts*> way = {&target.facts};
  for (const std::size_t stage : holding.way) way.push_back(&course.items[stage].facts);
  Found found;
  Image& image = found.image;
  image.component = component;
  if (auto added = add_identity(way, image); !added) return added.error().within("component " + component.text());
  image.digest = holding.digest;
  image.size = holding.size;
  if (holding.uri) image.uri = holding.uri->text();
  if (holding.encryption_info)
    image.encryption_info = Bytes(holding.encryption_info->bytes.begin(), holding.encryption_info->bytes.end());
  image.plaintext = holding.plaintext;
  for (const Facts* facts : way) add_own(*facts, image);
  found.uri = holding.uri;
  found.content = holding.content;
  return found;
}

bool has_image(const Item& item) {
  return item.holding && !item.is_staging;
}

/// The components that are in no course the target of an image, nor on the way of one.
std::vector<std::size_t> find_idle(const Outcome& outcome) {
  std::vector<bool> is_busy(outcome.subjects.size());
  for (const Course& course : outcome.courses) {
    for (std::size_t i = 0; i < course.items.size(); ++i) {
      if (!has_image(course.items[i])) continue;
      is_busy[i] = true;
      for (const std::size_t stage : course.items[i].holding->way) is_busy[stage] = true;
    }
  }
  std::vector<std::size_t> idle;
  for (std::size_t i = 0; i < is_busy.size(); ++i) {
    if (!is_busy[i] && !outcome.subjects[i].is_dependency) idle.push_back(i);
  }
  return idle;
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
  const std::vector<std::size_t> idle = find_idle(outcome);
  for (std::size_t i = 0; i < outcome.subjects.size(); ++i) {
    if (outcome.subjects[i].is_dependency) continue;
    for (const Course& course : outcome.courses) {
      const Item& target = course.items[i];
      if (!has_image(target)) continue;
      auto made = to_found(outcome.subjects[i].id, course, target);
      if (!made) return made.error();
      Found& found = *made;
      for (const std::size_t other : idle)
        add_others(outcome.subjects[other].id, course.items[other].facts, found.image);
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
