// SPDX-License-Identifier: Apache-2.0
#include "bootloader.hpp"

#include <string>

namespace smp_child {
namespace {

constexpr int kOverwriteOnly = 2;

/// Copies the secondary over the primary.
void overwrite(Image& image) {
  auto& [primary, secondary] = image.slots;
  primary.erase();
  primary.write(0, secondary.read(0, secondary.used()));
  secondary.erase();
}

}  // namespace

bool Bootloader::boot() {
  erase_refused();
  const bool upgrades = dependencies_hold();
  if (!upgrades) cancel_upgrades();
  bool moved = false;
  for (std::size_t n = 0; n < board_.images().size(); ++n) moved = boot_image(n, upgrades) || moved;
  if (options_.self_confirm) confirm_self();
  return moved;
}

void Bootloader::erase_refused() {
  for (std::size_t n = 0; n < board_.images().size(); ++n) {
    Image& image = board_.images()[n];
    if (image.mark == Mark::none) continue;
    const std::string_view reason = reason_to_refuse(image);
    if (reason.empty()) continue;
    image.slots[1].erase();
    image.mark = Mark::none;
    board_.save();
    board_.record().count("refused");
    board_.record().event("boot: image " + std::to_string(n) + " refused and erased: " + std::string(reason));
  }
}

/// Why the secondary must not be booted; empty if it may.
std::string_view Bootloader::reason_to_refuse(const Image& image) {
  const auto& [primary, secondary] = image.slots;
  const auto candidate = read_image(secondary);
  if (!candidate) return "no image";
  if (candidate->end > secondary.size() - options_.trailer_size) return "reaches into the trailer";
  if (!hash_is_right(secondary, *candidate)) return "hash";
  if (options_.come_back_old) return "signature (--come-back-old)";
  if (options_.reject_image && !rejected_) {
    rejected_ = true;
    return "signature (--reject-image)";
  }
  const auto running = read_image(primary);
  if (options_.no_downgrade && running && candidate->version < running->version) return "lower version";
  return "";
}

/// Whether what would run after the marked upgrades has all that it depends on. Nothing is asked without an upgrade.
bool Bootloader::dependencies_hold() const {
  bool upgrade = false;
  for (const Image& image : board_.images()) upgrade = upgrade || image.mark != Mark::none;
  for (std::size_t n = 0; upgrade && n < board_.images().size(); ++n) {
    const auto dependent = image_after_upgrade(n);
    if (!dependent) return false;  // one unprovisioned slot is enough (mcuboot#2812)
    for (const Dependency& dependency : dependent->dependencies) {
      if (dependency.image >= board_.images().size()) return false;
      const auto needed = image_after_upgrade(dependency.image);
      if (!needed || needed->version.without_build() < dependency.at_least.without_build()) return false;
    }
  }
  return true;
}

std::optional<ImageInfo> Bootloader::image_after_upgrade(std::size_t number) const {
  const Image& image = board_.images()[number];
  return read_image(image.slots[image.mark == Mark::none ? 0 : 1]);
}

void Bootloader::cancel_upgrades() {
  board_.record().event("boot: a dependency does not hold, all upgrades cancelled");
  board_.record().count("refused");
  if (options_.keep_cancelled_marks) return;
  for (Image& image : board_.images()) image.mark = Mark::none;
  board_.save();
}

bool Bootloader::boot_image(std::size_t number, bool upgrades) {
  Image& image = board_.images()[number];
  const bool upgrade = upgrades && image.mark != Mark::none;
  if (!upgrade && !image.testing) return false;
  if (upgrade) {
    install(image);
  } else {
    Slot::exchange(image.slots[0], image.slots[1]);
    image.testing = false;
  }
  board_.save();
  board_.record().count(upgrade ? "swaps" : "reverts");
  board_.record().event("boot: image " + std::to_string(number) + (upgrade ? " upgraded" : " reverted"));
  return true;
}

void Bootloader::install(Image& image) {
  if (options_.mode == kOverwriteOnly) {
    overwrite(image);
  } else {
    Slot::exchange(image.slots[0], image.slots[1]);
    image.testing = image.mark == Mark::test;
  }
  image.mark = Mark::none;
}

void Bootloader::confirm_self() {
  for (Image& image : board_.images()) {
    if (!image.testing) continue;
    image.testing = false;
    board_.save();
    board_.record().count("self_confirms");
    board_.record().event("the application confirmed itself");
  }
}

}  // namespace smp_child
