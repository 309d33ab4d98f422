// SPDX-License-Identifier: Apache-2.0
// SMP's group "settings" (Zephyr "Settings management group"): bodies out, values in, read leniently and bounded. Keys
// cannot be listed, so the profile names them. Pure; configuration_steps calls it.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::smp {

/// The largest value that is asked for and taken.
inline constexpr std::size_t kLargestSetting = 4096;

Bytes setting_read_request(std::string_view name, std::size_t limit);

struct SettingAnswer {
  Bytes value;
  std::optional<std::size_t> limit;  ///< the child returns no more than this, whatever was asked
};
Result<SettingAnswer> setting_in(ByteView body);

Bytes setting_write_request(std::string_view name, ByteView value);

}  // namespace hg::smp
