// SPDX-License-Identifier: Apache-2.0
// A name for this gateway that stays and tells nothing: derived from /etc/machine-id, which itself must not leave the
// machine (machine-id(5)). Used by app for the default MQTT client id.
#pragma once

#include <string>

#include "base/error.hpp"

namespace hg::system {

/// 32 lower-case hexadecimal digits. Errc::unavailable: the machine has no id.
Result<std::string> gateway_id();

}  // namespace hg::system
