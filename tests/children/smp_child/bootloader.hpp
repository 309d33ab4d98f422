// SPDX-License-Identifier: Apache-2.0
// MCUboot's decisions at a reset (smp.md 3, 4.7): swap or overwrite what is marked and sound, or choose the slot with
// the higher version; go back where a test was not confirmed; erase what is refused; cancel all when a dependency does
// not hold; decrypt what is encrypted for this child. Used by the child at every boot.
#pragma once

#include "board.hpp"
#include "boot_mode.hpp"
#include "image_file.hpp"
#include "image_key.hpp"

namespace smp_child {

class Bootloader {
 public:
  Bootloader(const BootOptions& options, Board& board);

  /// Decides; true if images were moved or another slot chosen, which takes its time.
  bool boot();

  /// Whether what is to run now is there and whole.
  [[nodiscard]] bool bootable() const;

 private:
  bool boot_swapping();
  bool boot_choosing();
  void erase_refused();
  void refuse(std::size_t number, std::string_view reason);
  std::string_view reason_to_refuse(const Image& image);
  [[nodiscard]] bool dependencies_hold() const;
  [[nodiscard]] std::optional<ImageInfo> image_after_upgrade(std::size_t number) const;
  void cancel_upgrades();
  bool upgrade(std::size_t number);
  bool revert(std::size_t number);
  bool choose(std::size_t number);
  void take_other(std::size_t number);
  void drop_unconfirmed(std::size_t number);
  void confirm_self();
  void keep_counters();
  [[nodiscard]] bool is_whole(const Slot& running) const;
  [[nodiscard]] std::optional<Bytes> plain(const Slot& secondary) const;
  [[nodiscard]] Bytes sealed(const Slot& primary) const;
  [[nodiscard]] std::optional<Bytes> with_key_applied(const Slot& slot) const;
  void note(std::size_t number, std::string_view counter, std::string_view what);

  const BootOptions& options_;
  Board& board_;
  BootMode mode_;
  std::optional<ImageKey> key_;
  bool rejected_ = false;  // --reject-image has had its one image
};

}  // namespace smp_child
