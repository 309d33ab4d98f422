// SPDX-License-Identifier: Apache-2.0
// The requests and answers of SMP's groups "os" and "image" that an update needs (Zephyr "SMP Groups"): bodies out,
// values in. Answers are read leniently and bounded; what a caller cannot do without is an error when it is missing.
// Pure; session and the steps of updater call it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "wire/frames.hpp"

namespace hg::smp {

/// A packet to be filled: room for the header, then an encoded body.
Bytes empty_request();
/// Echo of `size` bytes in all, header included (at least 16): to find out which packets pass.
Bytes echo_request(std::size_t size);
Bytes bootloader_request(bool ask_mode);
/// Mark `hash` for test.
Bytes test_request(const Digest& hash);
/// Confirm what runs; with a hash: this image.
Bytes confirm_request(const std::optional<Digest>& hash);

/// os params; nothing where the child leaves a value out.
struct Params {
  std::size_t buffer_size = 0;
  std::size_t buffer_count = 0;
};
Result<Params> params_in(ByteView body);

struct BootloaderInfo {
  std::string name;         ///< "MCUboot"
  std::optional<int> mode;  ///< Zephyr's number for how it swaps
  bool no_downgrade = false;
};
/// Adds what one of the two answers (name, mode) says.
Result<void> read_bootloader(ByteView body, BootloaderInfo& info);
/// From the mode alone: 1, 3, 5, 9 swap back by themselves; 2, 4 cannot; 0 has one slot; else unknown (never a guess).
wire::RevertClass revert_class_of(const BootloaderInfo& info);
/// "MCUboot mode 3".
std::string text_of(const BootloaderInfo& info);

/// The image list. Slots beyond wire::kMaxSlots and hashes beyond 64 bytes are errors.
Result<std::vector<wire::Slot>> slots_in(ByteView body);

/// What the child says to an upload request.
struct UploadAnswer {
  std::uint64_t offset = 0;   ///< of the next byte that it wants
  std::optional<bool> match;  ///< in the last answer: whether the SHA-256 of what it wrote is the one announced
};
Result<UploadAnswer> upload_answer_in(ByteView body);

}  // namespace hg::smp
