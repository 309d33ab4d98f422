// SPDX-License-Identifier: Apache-2.0
#include "image_list.hpp"

#include <utility>

#include "boot_mode.hpp"

namespace smp_child {
namespace {

/// Where the bootloader chooses, "pending" is not a mark alone: the version must be higher.
bool will_be_chosen(const Image& image, const Board& board, const BootMode& mode) {
  const auto running = board.image_in(image.running()), other = board.image_in(image.other());
  const bool higher = other && (!running || other->version > running->version);
  return higher && (!mode.reverts || image.mark != Mark::none || has_trailer_magic(image.other()));
}

void set_flags(ImageRow& row, const Image& image, const Board& board, const Options& options) {
  const BootMode mode = boot_mode(options.boot.mode);
  row.active = row.slot == image.active;
  if (row.active) {
    row.confirmed = !image.testing || options.quirks.wrong_confirmed;
  } else {
    row.pending = mode.strategy == Strategy::choose ? will_be_chosen(image, board, mode) : image.mark != Mark::none;
    row.confirmed = image.testing && !options.quirks.wrong_confirmed;
    row.permanent = row.pending && image.mark == Mark::permanent;
  }
}

}  // namespace

std::vector<ImageRow> image_rows(const Board& board, const Options& options) {
  std::vector<ImageRow> rows;
  Bytes last_hash;
  for (std::size_t n = 0; n < board.images().size(); ++n) {
    const Image& image = board.images()[n];
    for (std::size_t slot = 0; slot < boot_mode(options.boot.mode).slots; ++slot) {
      const auto info = board.image_in(image.slots[slot]);
      const Bytes header = image.slots[slot].read(0, kImageHeaderSize);
      const bool stale = !info && options.quirks.stale_hash && has_image_magic(header);
      if (!info && !stale) continue;
      if (info) last_hash = info->hash;
      const std::string& hidden = options.quirks.hide;
      if (info && !hidden.empty() && hex(info->hash).starts_with(hidden)) continue;
      ImageRow row{n,     slot, version_in_header(header).text(), last_hash, !info || info->bootable, false, false,
                   false, false};
      set_flags(row, image, board, options);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

void write_rows(cbor::Writer& answer, const std::vector<ImageRow>& rows, const Board& board, const Options& options) {
  const bool frugal = options.server.frugal;
  const auto put_flag = [&](std::string_view name, bool value) {
    if (value || !frugal) answer.put_boolean(name, value);
  };
  answer.key("images");
  answer.begin_array();
  for (const ImageRow& row : rows) {
    answer.begin_map();
    if (row.image != 0 || (board.images().size() > 1 && !frugal)) {
      answer.put_integer("image", static_cast<std::int64_t>(row.image));
    }
    answer.put_integer("slot", static_cast<std::int64_t>(row.slot));
    answer.put_text("version", row.version);
    answer.put_bytes("hash", row.hash);
    put_flag("bootable", row.bootable);
    put_flag("pending", row.pending);
    put_flag("confirmed", row.confirmed);
    put_flag("active", row.active);
    put_flag("permanent", row.permanent);
    answer.end();
  }
  answer.end();
  if (!frugal) answer.put_integer("splitStatus", 0);
}

}  // namespace smp_child
