// SPDX-License-Identifier: Apache-2.0
// How the configuration names a serial line: by the path of a tty, or by properties that udev knows it by, which stay
// when its node comes back under another name. Pure; device finds the line that is meant.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hg::serial {

struct LineAddress {
  std::filesystem::path node;                     ///< a tty, or a symlink to one; empty: `properties` say which
  std::map<std::string, std::string> properties;  ///< all of them must be as they are here
};

/// "/dev/serial/by-id/…", or "udev:ID_SERIAL_SHORT=1234" with up to eight properties, separated by commas.
/// Errc::invalid says what is wrong.
Result<LineAddress> line_address_from(std::string_view address);

}  // namespace hg::serial
