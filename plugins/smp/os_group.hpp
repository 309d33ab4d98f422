// SPDX-License-Identifier: Apache-2.0
// SMP's group "os" (Zephyr "OS management group") and the list of groups (group 10) as far as an update needs them:
// bodies out, values in, read leniently and bounded. Pure; packet_size and questions call it. What a bootloader's mode
// means is for bootloader.hpp to say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::smp {

/// Echo of `size` bytes in all, header included (at least 16): to find out which packets pass.
Bytes echo_request(std::size_t size);

/// What a reset may ask for besides.
struct ResetWish {
  bool force = false;                     ///< also when the application would rather not (rc 10)
  std::optional<std::uint8_t> boot_mode;  ///< Zephyr 4.1 and later; 1: stay in the bootloader's recovery
};
Bytes reset_request(ResetWish wish);

/// os params; nothing where the child leaves a value out.
struct Params {
  std::size_t buffer_size = 0;
  std::size_t buffer_count = 0;
};
Result<Params> params_in(ByteView body);

/// os info about everything; a text for people.
Bytes info_request();
Result<std::string> info_in(ByteView body);

/// The name of the bootloader, or how it swaps.
Bytes bootloader_request(bool ask_mode);
struct BootloaderInfo {
  std::string name;         ///< "MCUboot"
  std::optional<int> mode;  ///< Zephyr's number for how it swaps; -1 for one outside 0..255
  bool no_downgrade = false;
};
/// Adds what one of the two answers (name, mode) says.
Result<void> read_bootloader(ByteView body, BootloaderInfo& info);

/// Turns the echo of a console off: MCUboot's recovery answers {"rc": 0}, Zephyr does not know it (smp.md section 3).
Bytes console_echo_request();

/// The numbers of the groups that the child has, at most 64 of them (Zephyr 4.1 and later).
Result<std::vector<std::uint16_t>> groups_in(ByteView body);

}  // namespace hg::smp
