// SPDX-License-Identifier: Apache-2.0
#include "bootloader.hpp"

#include <algorithm>
#include <string>

namespace smp_child {

Bootloader::Bootloader(const BootOptions& options, Board& board)
    : options_(options), board_(board), mode_(boot_mode(options.mode)) {
  if (!options.enc_key.empty()) key_ = ImageKey::load(options.enc_key);
}

bool Bootloader::boot() {
  bool moved = false;
  if (mode_.strategy == Strategy::choose) {
    moved = boot_choosing();
  } else if (mode_.strategy != Strategy::fixed) {
    moved = boot_swapping();
  }
  if (options_.self_confirm) confirm_self();
  if (options_.security_counter) keep_counters();
  return moved;
}

bool Bootloader::bootable() const {
  for (const Image& image : board_.images()) {
    const bool needed = &image == &board_.images().front() || !image.running().erased();
    if (needed && !is_whole(image.running())) return false;
  }
  return true;
}

bool Bootloader::boot_swapping() {
  erase_refused();
  const bool upgrades = dependencies_hold();
  if (!upgrades) cancel_upgrades();
  bool moved = false, reverted = false;
  for (std::size_t n = 0; n < board_.images().size(); ++n) {
    const bool marked = upgrades && board_.images()[n].mark != Mark::none;
    if (marked) {
      moved = upgrade(n) || moved;
    } else if (!reverted || !options_.one_revert_per_reset) {
      reverted = revert(n) || reverted;
    }
  }
  return moved || reverted;
}

void Bootloader::erase_refused() {
  for (std::size_t n = 0; n < board_.images().size(); ++n) {
    const Image& image = board_.images()[n];
    if (image.mark == Mark::none) continue;
    const std::string_view reason = reason_to_refuse(image);
    if (!reason.empty()) refuse(n, reason);
  }
}

void Bootloader::refuse(std::size_t number, std::string_view reason) {
  Image& image = board_.images()[number];
  image.other().erase();
  image.mark = Mark::none;
  note(number, "refused", "refused and erased: " + std::string(reason));
}

/// Why the secondary must not be booted; empty if it may.
std::string_view Bootloader::reason_to_refuse(const Image& image) {
  const auto candidate = board_.image_in(image.other());
  if (!candidate) return "no image";
  const bool trailer_inside = mode_.strategy == Strategy::choose;  // it is allowed to come with the file
  if (!trailer_inside && candidate->end > image.other().size() - options_.trailer_size) {
    return "reaches into the trailer";
  }
  const auto content = plain(image.other());
  if (!content) return "encrypted for another";
  const bool opaque = candidate->content_key && !key_;
  if (!opaque && !hash_is_right(*content, *candidate)) return "hash";
  if (options_.come_back_old) return "signature (--come-back-old)";
  if (options_.reject_image && !rejected_) {
    rejected_ = true;
    return "signature (--reject-image)";
  }
  const auto running = board_.image_in(image.running());
  if (options_.no_downgrade && running && candidate->version < running->version) return "lower version";
  if (options_.security_counter && candidate->security_counter.value_or(0) < image.counter) {
    return "lower security counter";
  }
  return "";
}

/// Whether what would run after the marked upgrades has all that it depends on. Nothing is asked without an upgrade.
bool Bootloader::dependencies_hold() const {
  const auto& images = board_.images();
  const bool upgrade = std::any_of(images.begin(), images.end(), [](const Image& i) { return i.mark != Mark::none; });
  for (std::size_t n = 0; upgrade && n < images.size(); ++n) {
    const auto dependent = image_after_upgrade(n);
    if (!dependent) return false;  // one unprovisioned slot is enough (mcuboot#2812)
    for (const Dependency& dependency : dependent->dependencies) {
      if (dependency.image >= images.size()) return false;
      const auto needed = image_after_upgrade(dependency.image);
      if (!needed || needed->version.without_build() < dependency.at_least.without_build()) return false;
    }
  }
  return true;
}

std::optional<ImageInfo> Bootloader::image_after_upgrade(std::size_t number) const {
  const Image& image = board_.images()[number];
  return board_.image_in(image.slots[image.mark == Mark::none ? 0 : 1]);
}

void Bootloader::cancel_upgrades() {
  board_.record().event("boot: a dependency does not hold, all upgrades cancelled");
  board_.record().count("refused");
  if (options_.keep_cancelled_marks) return;
  for (Image& image : board_.images()) image.mark = Mark::none;
  board_.save();
}

bool Bootloader::upgrade(std::size_t number) {
  Image& image = board_.images()[number];
  const bool overwrites = mode_.strategy == Strategy::overwrite;
  const Bytes next = plain(image.slots[1]).value();
  const Bytes before = overwrites ? Bytes{} : sealed(image.slots[0]);
  image.testing = !overwrites && image.mark == Mark::test;
  image.mark = Mark::none;
  board_.replace(image, next, before);
  note(number, "swaps", "upgraded");
  return true;
}

bool Bootloader::revert(std::size_t number) {
  Image& image = board_.images()[number];
  if (!image.testing) return false;
  const Bytes next = sealed(image.slots[0]);
  const Bytes before = plain(image.slots[1]).value_or(image.slots[1].content());
  image.testing = false;
  board_.replace(image, before, next);
  note(number, "reverts", "reverted");
  return true;
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

/// The security counter follows what is confirmed, never down.
void Bootloader::keep_counters() {
  for (Image& image : board_.images()) {
    const auto running = board_.image_in(image.running());
    if (image.testing || !running) continue;
    image.counter = std::max<std::uint64_t>(image.counter, running->security_counter.value_or(0));
  }
  board_.save();
}

/// What runs is there in the clear, whatever its flags say.
bool Bootloader::is_whole(const Slot& running) const {
  const auto image = board_.image_in(running);
  if (!image) return false;
  return hash_is_right(running.content(), *image) || (image->content_key && !key_);
}

/// The content that a secondary has once it runs; nothing if it is encrypted for another. Without a key of its own a
/// child takes everything as it comes.
std::optional<Bytes> Bootloader::plain(const Slot& secondary) const {
  const auto image = board_.image_in(secondary);
  if (!key_ || !image || !image->content_key) return secondary.content();
  return with_key_applied(secondary);
}

/// The content that a primary has in the secondary slot: encrypted again, if its key is known.
Bytes Bootloader::sealed(const Slot& primary) const {
  const auto image = board_.image_in(primary);
  if (!key_ || !image || !image->content_key) return primary.content();
  return with_key_applied(primary).value_or(primary.content());
}

std::optional<Bytes> Bootloader::with_key_applied(const Slot& slot) const {
  const auto image = board_.image_in(slot);
  const auto content_key = key_->open(*image->content_key);
  if (!content_key) return std::nullopt;
  Bytes content = slot.content();
  if (content.size() < image->payload_end) return std::nullopt;
  apply_content_key(std::span(content).subspan(image->payload, image->payload_end - image->payload), *content_key);
  return content;
}

void Bootloader::note(std::size_t number, std::string_view counter, std::string_view what) {
  board_.save();
  board_.record().count(counter);
  board_.record().event("boot: image " + std::to_string(number) + " " + std::string(what));
}

}  // namespace smp_child
