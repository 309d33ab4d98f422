// SPDX-License-Identifier: Apache-2.0
// The TLV areas of a MCUboot image: one that the image hash covers ("protected"), if the header says so, and one that
// it does not. What decides something is read, what only the child can check (keys, signatures) is named, everything
// else is stepped over. Whether the parts fit together is left to inspect(), which alone calls this.
#pragma once

#include "images/mcuboot.hpp"

namespace hg::images {

/// Reads the areas that begin at `offset` into `image`, whose header was read; the offset of the first byte after them.
/// `protected_bytes` is the size of the protected area as the header has it, 0: there is none.
Result<std::uint64_t> read_tlvs(const Source& source, std::uint64_t offset, std::uint16_t protected_bytes,
                                McubootImage& image);

}  // namespace hg::images
