// SPDX-License-Identifier: Apache-2.0
// MCUboot's decisions at a reset (smp.md 4.7): swap what is marked and sound, go back where a test was not confirmed,
// erase what is refused, cancel all when a dependency does not hold. Used by the child at every boot.
#pragma once

#include "board.hpp"
#include "image_file.hpp"

namespace smp_child {

class Bootloader {
 public:
  Bootloader(const BootOptions& options, Board& board) : options_(options), board_(board) {}

  /// Boots; true if images were moved, which takes its time.
  bool boot();

 private:
  void erase_refused();
  std::string_view reason_to_refuse(const Image& image);
  [[nodiscard]] bool dependencies_hold() const;
  [[nodiscard]] std::optional<ImageInfo> image_after_upgrade(std::size_t number) const;
  void cancel_upgrades();
  bool boot_image(std::size_t number, bool upgrades);
  void install(Image& image);
  void confirm_self();

  const BootOptions& options_;
  Board& board_;
  bool rejected_ = false;  // --reject-image has had its one image
};

}  // namespace smp_child
