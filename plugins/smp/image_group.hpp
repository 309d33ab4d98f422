// SPDX-License-Identifier: Apache-2.0
// SMP's group "image" (Zephyr "Application/software image management group"): bodies out, values in, read leniently and
// bounded; what a caller cannot do without is an error when it is missing. Pure; upload, questions and recovery call
// it. What a list means is for image_list.hpp to say.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "wire/frames.hpp"

namespace hg::smp {

/// The image list. Slots beyond wire::kMaxSlots and hashes beyond 64 bytes are errors.
Result<std::vector<wire::Slot>> slots_in(ByteView body);

/// Mark `hash` for test.
Bytes test_request(const Digest& hash);
/// Confirm what runs; with a hash: this image, for good if it does not run yet (smp.md section 4.2).
Bytes confirm_request(const std::optional<Digest>& hash);

/// What the child says to an upload request.
struct UploadAnswer {
  std::uint64_t offset = 0;   ///< of the next byte that it wants
  std::optional<bool> match;  ///< in the last answer: whether the SHA-256 of what it wrote is the one announced
};
Result<UploadAnswer> upload_answer_in(ByteView body);

/// Erase a slot; the number counts over all images: image * 2 + slot (smp.md section 4.5).
Bytes erase_request(std::uint8_t slot_over_all);

/// One slot as the child describes it (Zephyr 4.0 and later).
struct SlotSize {
  std::uint8_t image = 0;
  std::uint8_t slot = 0;
  std::uint64_t size = 0;                    ///< bytes, with the bootloader's trailer
  std::uint64_t largest = 0;                 ///< bytes of the largest image; 0: it does not say
  std::optional<std::uint8_t> upload_image;  ///< the image number that an upload to this slot must carry
};
/// At most wire::kMaxSlots.
Result<std::vector<SlotSize>> slot_sizes_in(ByteView body);

}  // namespace hg::smp
