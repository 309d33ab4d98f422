// SPDX-License-Identifier: Apache-2.0
// The two words for time: Instant, a point of civil time in milliseconds since 1970 (UTC), and Duration. Nobody here
// reads a clock: ports/clock.hpp does, so that tests and simulations run on a time of their own.
#pragma once

#include <chrono>
#include <string>

namespace hg {

using Duration = std::chrono::milliseconds;
using Instant = std::chrono::sys_time<Duration>;

/// "2026-11-21T03:04:05Z", for people and logs.
std::string to_text(Instant instant);

}  // namespace hg
