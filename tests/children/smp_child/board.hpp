// SPDX-License-Identifier: Apache-2.0
// What survives a reset and a kill: per image number two slots of flash, and what the slots' trailers would say (the
// mark on the secondary, whether the running image is in test, and so on). Used by bootloader, recovery, image group.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <vector>

#include "flash.hpp"
#include "image_file.hpp"
#include "options.hpp"
#include "record.hpp"

namespace smp_child {

enum class Mark { none, test, permanent };

/// One updatable image: an image number with its two slots.
struct Image {
  std::array<Slot, 2> slots;
  Mark mark = Mark::none;     // on the slot that does not run
  bool testing = false;       // what runs is not confirmed: the next reset reverts
  std::size_t active = 0;     // the slot that runs; 0 unless the bootloader chooses
  std::uint64_t counter = 0;  // security counter of what was confirmed last
  bool moving = false;        // new contents are written, and are to be put in place

  [[nodiscard]] Slot& running() { return slots[active]; }
  [[nodiscard]] const Slot& running() const { return slots[active]; }
  [[nodiscard]] Slot& other() { return slots[1 - active]; }
  [[nodiscard]] const Slot& other() const { return slots[1 - active]; }
};

class Board {
 public:
  /// Reads the state directory, or makes it from the provisioned images if it has no board yet.
  Board(const std::filesystem::path& state, const BootOptions& options, Record& record);

  [[nodiscard]] std::vector<Image>& images() { return images_; }
  [[nodiscard]] const std::vector<Image>& images() const { return images_; }
  Record& record() { return record_; }

  /// The image in a slot, if its hash is of the kind that this child is built for.
  [[nodiscard]] std::optional<ImageInfo> image_in(const Slot& slot) const {
    return read_image(slot, options_.sha_size);
  }

  /// Makes marks, test states and counters durable.
  void save() const;

  /// Gives both slots of an image new contents and saves, in one step that a kill cannot halve.
  void replace(Image& image, ByteView first, ByteView second);

 private:
  void open_slots(std::size_t images);
  void provision();
  void load(const std::string& text);
  void put_in_place(Image& image);

  std::filesystem::path state_;
  const BootOptions& options_;
  Record& record_;
  std::vector<Image> images_;
};

}  // namespace smp_child
