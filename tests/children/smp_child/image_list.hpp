// SPDX-License-Identifier: Apache-2.0
// What the application's image list shows (smp.md 4.1, 4.7), with the known faults of lists (8: 7, 8, 11). Used by the
// image group.
#pragma once

#include <vector>

#include "board.hpp"
#include "cbor.hpp"

namespace smp_child {

struct ImageRow {
  std::size_t image;
  std::size_t slot;
  std::string version;
  Bytes hash;
  bool bootable, pending, confirmed, active, permanent;
};

/// A row for each slot with an image, in the order of image numbers and slots.
std::vector<ImageRow> image_rows(const Board& board, const Options& options);

/// "images" and "splitStatus" into an open map.
void write_rows(cbor::Writer& answer, const std::vector<ImageRow>& rows, const Board& board, const Options& options);

}  // namespace smp_child
