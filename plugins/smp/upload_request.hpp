// SPDX-License-Identifier: Apache-2.0
// The request that carries a piece of an image (reference smp.md 4.3): the map's head, then the data straight from the
// child's view of the file into the packet. upload says which piece.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "sdk/image_view.hpp"

namespace hg::smp {

struct UploadSource {
  plugin::ImageView image;
  std::uint64_t size = 0;
  Digest sha256;  ///< of the view: a child goes on only with an upload of the very same bytes
  std::uint8_t image_number = 0;
  bool is_recovery = false;  ///< MCUboot's serial recovery: it knows no digest and begins anew at offset 0
};

/// Fills `packet` (room for the header, then the body) with the piece at `offset`, as much as fits into `limit` bytes
/// with an end at a multiple of `align`, and returns how many bytes of the image it carries. At offset 0 it has the
/// fields that begin an upload and at least 32 bytes of image, whatever the limit. Errc::io.
Result<std::size_t> fill_upload_request(const UploadSource& source, std::uint64_t offset, std::size_t limit,
                                        std::size_t align, Bytes& packet);

}  // namespace hg::smp
