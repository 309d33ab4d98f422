// SPDX-License-Identifier: Apache-2.0
// What a child type's profile says to the SMP client, with the defaults of config/profiles. Other values in the same
// table are for the link (baud, for one) and are left alone here.
#pragma once

#include "base/error.hpp"
#include "smp/clock.hpp"
#include "wire/frames.hpp"

namespace hg::smp {

struct Profile {
  std::size_t packet = 0;         ///< bytes of one packet; 0: find out
  Milliseconds reset_delay{250};  ///< between the answer to a reset and the reset
  Milliseconds erase{40000};      ///< for the answer to the first request of an upload
  Milliseconds chunk{2500};       ///< for other answers
  Milliseconds last{20000};       ///< for the answer to the last request of an upload
};

/// Errc::invalid names the value that is of another type or out of its range.
Result<Profile> profile_from(const wire::ProfileValues& values);

/// One integer of a profile, for links: `fallback` when it is not there.
Result<std::int64_t> integer_in(const wire::ProfileValues& values, const std::string& name, std::int64_t fallback,
                                std::int64_t least, std::int64_t most);

}  // namespace hg::smp
