// SPDX-License-Identifier: Apache-2.0
#include "sim/population.hpp"

#include <algorithm>

namespace hg::sim {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// A role in a product, and what takes it.
struct Place {
  std::string role;
  std::uint8_t device_class = 0;
  unsigned count = 1;
  unsigned order = 0;
  unsigned images = 1;
  bool is_told_by_role = false;  ///< two roles of one class get images of their own
};

struct Product {
  std::string name;
  std::vector<Place> places;
  bool is_group = true;
};

const std::vector<Product>& all_products() {
  static const std::vector<Product> kProducts{
      {"pair", {{"panel", 1, 1, 0}, {"drive", 2, 1, 1, 2}}},
      {"trio", {{"sensor", 3, 2, 0}, {"head", 4, 1, 1}}},
      {"quad", {{"left", 5, 1, 0, 1, true}, {"right", 5, 1, 0, 1, true}, {"valve", 6, 1, 1}, {"brain", 7, 1, 2, 2}}},
      {"lone", {{"", 8}}, false},
      {"twin", {{"", 9, 1, 0, 2}}, false},
  };
  return kProducts;
}

core::Uuid uuid_of(std::uint8_t number) {
  core::Uuid uuid{};
  uuid.back() = number;
  return uuid;
}

std::string target_name(unsigned number) {
  return number == 0 ? "app" : "radio";
}

/// 32 bytes that hang on the text alone.
Digest digest_of(const std::string& text) {
  std::uint64_t seed = 14695981039346656037ULL;
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  Random random(seed);
  Bytes bytes;
  for (unsigned i = 0; i < 32; ++i) bytes.push_back(static_cast<std::uint8_t>(random.below(256)));
  return *Digest::from_bytes(bytes);
}

std::string component_of(const Place& place, unsigned number) {
  return (place.is_told_by_role ? place.role + "/" : "") + target_name(number);
}

std::string image_name(const Product& product, const Place& place, unsigned number, std::uint64_t sequence) {
  const std::string who = place.is_told_by_role ? place.role : std::to_string(place.device_class);
  return product.name + " " + who + " " + std::to_string(number) + " " + std::to_string(sequence);
}

std::string version_of(std::uint64_t sequence) {
  return std::to_string(sequence) + ".0.0";
}

class Builder {
 public:
  Builder(std::size_t count, const Faults& faults, Random& random) : left_(count), faults_(faults), random_(random) {}

  Population build() {
    for (const Product& product : all_products())
      if (product.is_group) people_.layouts.push_back(layout_of(product));
    while (left_ > 0) add_next();
    return std::move(people_);
  }

 private:
  static core::Layout layout_of(const Product& product) {
    core::Layout layout{product.name, {}};
    for (const Place& place : product.places)
      layout.roles.push_back({place.role, uuid_of(1), uuid_of(place.device_class), place.count, place.order});
    return layout;
  }

  void add_next() {
    const bool is_group = random_.is_lucky(faults_.in_groups);
    const std::size_t first = is_group ? 0 : 3;
    const Product& product = all_products()[first + random_.below(is_group ? 3 : 2)];
    std::size_t size = 0;
    for (const Place& place : product.places) size += place.count;
    if (size <= left_) return add(product);
    add(all_products()[3]);
  }

  void add(const Product& product) {
    core::Group group{product.name + "-" + std::to_string(people_.groups.size()), product.name, {}, {}, true};
    for (const Place& place : product.places)
      for (unsigned i = 0; i < place.count; ++i) {
        core::ChildId id = child_name(people_.children.size());
        add_child(product, place, id);
        group.members.push_back({place.role, std::move(id)});
        --left_;
      }
    if (product.is_group) people_.groups.push_back(std::move(group));
  }

  void add_child(const Product& product, const Place& place, const core::ChildId& id) {
    std::vector<SimChild::Held> factory;
    core::Enrollment enrollment;
    enrollment.id = enrollment.address = id;
    enrollment.transport = enrollment.profile = "sim";
    enrollment.vendor = uuid_of(1);
    enrollment.device_class = uuid_of(place.device_class);
    enrollment.targets.clear();
    for (unsigned number = 0; number < place.images; ++number) {
      factory.push_back({version_of(1), digest_of("runs " + image_name(product, place, number, 1))});
      enrollment.targets.push_back({target_name(number), static_cast<std::uint8_t>(number)});
    }
    enrollment.patience.health = seconds{10 * random_.below(6)};
    SimChild child(draw_nature(product, place), std::move(factory));
    if (child.nature() == Nature::self_reverting && random_.is_lucky(faults_.with_window))
      enrollment.patience.test_window = minutes{30};
    child.tells_starts = !random_.is_lucky(faults_.without_boot_counter);
    if (random_.is_lucky(faults_.with_keys)) people_.with_keys.insert(id);
    people_.children.push_back(std::move(child));
    people_.enrollments.push_back(std::move(enrollment));
  }

  /// What cannot be brought back is mostly one of a product, as products are made.
  Nature draw_nature(const Product& product, const Place& place) {
    const bool is_last = place.role == product.places.back().role || place.role == "valve";
    const unsigned share = is_last ? 1 : 10;
    std::uint64_t lot = random_.below(1000);
    const auto falls_to = [&](unsigned permille) {
      if (lot < permille) return true;
      lot -= permille;
      return false;
    };
    if (falls_to(faults_.swap_back)) return Nature::swap_back;
    if (falls_to(faults_.self_confirming)) return Nature::self_confirming;
    if (falls_to(faults_.reinstall)) return Nature::reinstall;
    if (falls_to(faults_.irrevocable / share)) return Nature::irrevocable;
    if (falls_to(place.images > 1 ? 0 : faults_.unstageable / share)) return Nature::unstageable;
    if (falls_to(faults_.unknown / share)) return Nature::unknown;
    return Nature::self_reverting;
  }

  Population people_;
  std::size_t left_;
  const Faults& faults_;
  Random& random_;
};

}  // namespace

Population populate(std::size_t children, const Faults& faults, Random& random) {
  return Builder(children, faults, random).build();
}

const std::vector<std::string>& products() {
  static const std::vector<std::string> kNames{"pair", "trio", "quad", "lone", "twin"};
  return kNames;
}

core::Deliverable deliverable_of(const std::string& name, std::uint64_t sequence) {
  const auto product = std::ranges::find(all_products(), name, &Product::name);
  core::Deliverable made;
  made.id = name + "-" + std::to_string(sequence);
  made.product = name;
  made.sequence = sequence;
  made.version = version_of(sequence);
  for (const Place& place : product->places)
    for (unsigned number = 0; number < place.images; ++number) {
      const std::string image = image_name(*product, place, number, sequence);
      core::Image& one = made.images.emplace_back();
      one.component = component_of(place, number);
      one.vendor = uuid_of(1);
      one.device_class = uuid_of(place.device_class);
      one.digest = digest_of("sealed " + image);
      one.size = 40'000 + 1000 * sequence;
      one.version = made.version;
      one.running_digest = digest_of("runs " + image);
      one.encrypted = true;
      one.sealing = core::Sealing{core::Wrap::ec256, 128, one.size - 200, 113};
    }
  return made;
}

core::ChildKey key_of(const core::ChildId& child, core::KeyUse use, std::uint64_t n) {
  const std::string name = child + " " + std::string(core::name_of(use)) + " " + std::to_string(n);
  return {use, core::KeyKind::p256, digest_of(name), child, Bytes(91, 1)};
}

std::vector<core::ContentKey> content_keys_of(const core::Deliverable& deliverable) {
  std::vector<core::ContentKey> keys;
  for (const core::Image& image : deliverable.images)
    keys.push_back({image.digest, Bytes(60, 2), digest_of("key of " + image.digest.hex()), image.running_digest});
  return keys;
}

}  // namespace hg::sim
