// SPDX-License-Identifier: Apache-2.0
#include "board.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "image_file.hpp"

namespace smp_child {
namespace {

constexpr std::string_view kMarks[] = {"none", "test", "permanent"};

Mark mark_of(std::string_view name) {
  const auto found = std::find(std::begin(kMarks), std::end(kMarks), name);
  if (found == std::end(kMarks)) throw std::runtime_error("damaged boot state");
  return static_cast<Mark>(found - std::begin(kMarks));
}

}  // namespace

Board::Board(const std::filesystem::path& state, const BootOptions& options, Record& record)
    : state_(state), record_(record) {
  const std::string boot = read_text(state_ / "boot");
  if (boot.empty()) {
    provision(options);
  } else {
    load(boot, options.slot_size);
  }
}

void Board::save() const {
  std::ostringstream text;
  text << "images " << images_.size() << "\n";
  for (const Image& image : images_) {
    text << "mark " << kMarks[static_cast<int>(image.mark)] << " testing " << image.testing << "\n";
  }
  write_atomically(state_ / "boot", text.str());
}

void Board::open_slots(std::size_t images, std::uint64_t slot_size) {
  const auto slot = [&](std::size_t index) {
    return Slot(state_ / ("slot" + std::to_string(index) + ".bin"), slot_size);
  };
  for (std::size_t n = 0; n < images; ++n) images_.push_back({{slot(2 * n), slot(2 * n + 1)}});
}

void Board::provision(const BootOptions& options) {
  std::size_t count = std::max<std::size_t>(options.images, 1);
  for (const auto& [image, file] : options.provisions) count = std::max(count, image + 1);
  open_slots(count, options.slot_size);
  for (const auto& [image, file] : options.provisions) {
    const std::string content = read_text(file);
    const ByteView bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
    if (!has_image_magic(bytes) || bytes.size() > options.slot_size) {
      throw std::runtime_error("no image that fits a slot: " + file.string());
    }
    images_[image].slots[0].write(0, bytes);
  }
  save();
}

void Board::load(const std::string& text, std::uint64_t slot_size) {
  std::istringstream in(text);
  std::string word, mark;
  std::size_t count = 0;
  in >> word >> count;
  open_slots(count, slot_size);
  for (Image& image : images_) {
    in >> word >> mark >> word >> image.testing;
    image.mark = mark_of(mark);
  }
}

}  // namespace smp_child
