// SPDX-License-Identifier: Apache-2.0
// Setting a tty up so that nothing touches the bytes: raw, no echo, no flow control, the rate of the profile, input
// flushed. exclusive_line does it with each line that it opens.
#pragma once

#include <cstdint>

#include "base/error.hpp"

namespace hg::serial {

/// Nothing for a rate that termios has no name for.
bool is_known_baud(std::int64_t baud);

/// Errc::unsupported: no tty, or its driver does not take the rate. A pty has no rate and takes any.
Result<void> set_up(int tty, std::int64_t baud);

}  // namespace hg::serial
