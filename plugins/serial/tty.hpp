// SPDX-License-Identifier: Apache-2.0
// Opening a tty so that nothing touches the bytes and nobody else has it: raw, no echo, no flow control, TIOCEXCL and a
// lock, input flushed. An open Tty is the exclusive right to the line. serial_line owns it.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace hg::serial {

/// Nothing for a rate that termios has no name for.
bool is_known_baud(std::int64_t baud);

/// The open descriptor, non-blocking and close-on-exec; closing it gives the line up. Errc::not_found: no such node;
/// Errc::busy: somebody else has it; Errc::unsupported: no tty. A rate that a pty does not take is ignored.
Result<UniqueFd> open_tty(const std::filesystem::path& path, std::int64_t baud);

}  // namespace hg::serial
