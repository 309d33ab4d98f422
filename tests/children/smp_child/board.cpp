// SPDX-License-Identifier: Apache-2.0
#include "board.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <stdexcept>

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
    : state_(state), options_(options), record_(record) {
  const std::string boot = read_text(state_ / "boot");
  if (boot.empty()) {
    provision();
  } else {
    load(boot);
  }
}

void Board::save() const {
  std::ostringstream text;
  text << "images " << images_.size() << "\n";
  for (const Image& image : images_) {
    text << "mark " << kMarks[static_cast<int>(image.mark)] << " testing " << image.testing << " active "
         << image.active << " counter " << image.counter << " moving " << image.moving << "\n";
  }
  write_atomically(state_ / "boot", text.str());
}

void Board::replace(Image& image, ByteView first, ByteView second) {
  image.slots[0].prepare(first);
  image.slots[1].prepare(second);
  image.moving = true;
  save();
  put_in_place(image);
}

void Board::put_in_place(Image& image) {
  for (Slot& slot : image.slots) slot.take_prepared();
  image.moving = false;
  save();
}

void Board::open_slots(std::size_t images) {
  const auto slot = [&](std::size_t index) {
    return Slot(state_ / ("slot" + std::to_string(index) + ".bin"), options_.slot_size);
  };
  for (std::size_t n = 0; n < images; ++n) images_.push_back({{slot(2 * n), slot(2 * n + 1)}});
}

void Board::provision() {
  std::size_t count = std::max<std::size_t>(options_.images, 1);
  for (const auto& [image, file] : options_.provisions) count = std::max(count, image + 1);
  open_slots(count);
  for (const auto& [image, file] : options_.provisions) {
    const std::string content = read_text(file);
    const ByteView bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
    if (!has_image_magic(bytes) || bytes.size() > options_.slot_size) {
      throw std::runtime_error("no image that fits a slot: " + file.string());
    }
    images_[image].slots[0].write(0, bytes);
  }
  save();
}

void Board::load(const std::string& text) {
  std::istringstream in(text);
  std::string word, mark;
  std::size_t count = 0;
  in >> word >> count;
  open_slots(count);
  for (Image& image : images_) {
    in >> word >> mark >> word >> image.testing >> word >> image.active >> word >> image.counter >> word >>
        image.moving;
    if (!in || image.active > 1) throw std::runtime_error("damaged boot state");
    image.mark = mark_of(mark);
  }
  for (Image& image : images_) {
    if (image.moving) put_in_place(image);
  }
}

}  // namespace smp_child
