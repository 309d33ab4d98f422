// SPDX-License-Identifier: Apache-2.0
// What survives a reset and a kill: per image number two slots of flash, and what the slots' trailers would say (the
// mark on the secondary, and whether the primary runs in test). Used by the bootloader and the image group.
#pragma once

#include <array>
#include <filesystem>
#include <vector>

#include "flash.hpp"
#include "options.hpp"
#include "record.hpp"

namespace smp_child {

enum class Mark { none, test, permanent };

/// One updatable image: an image number with its two slots.
struct Image {
  std::array<Slot, 2> slots;  // primary, secondary
  Mark mark = Mark::none;     // on the secondary
  bool testing = false;       // the primary is not confirmed: the next reset reverts
};

class Board {
 public:
  /// Reads the state directory, or makes it from the provisioned images if it has no board yet.
  Board(const std::filesystem::path& state, const BootOptions& options, Record& record);

  [[nodiscard]] std::vector<Image>& images() { return images_; }
  [[nodiscard]] const std::vector<Image>& images() const { return images_; }
  Record& record() { return record_; }

  /// Makes marks and test states durable.
  void save() const;

 private:
  void open_slots(std::size_t images, std::uint64_t slot_size);
  void provision(const BootOptions& options);
  void load(const std::string& text, std::uint64_t slot_size);

  std::filesystem::path state_;
  Record& record_;
  std::vector<Image> images_;
};

}  // namespace smp_child
