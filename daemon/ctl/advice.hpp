// SPDX-License-Identifier: Apache-2.0
// What somebody can do about a reason for which an update is where it is: one sentence for each word that the bus may
// say (docs/dbus.md). A test holds the words to core's.
#pragma once

#include <string_view>

namespace hg::ctl {

/// Empty for a word that is not known: the daemon is newer than this program.
std::string_view advice_on(std::string_view reason);

}  // namespace hg::ctl
