// SPDX-License-Identifier: Apache-2.0
// Reads one announcement as it stands in an MQTT message: {"url": "https://..."}. Foreign bytes: bounded in size and
// depth, and nothing in it is believed. Called by MqttAnnouncements.
#pragma once

#include <cstddef>
#include <string_view>

#include "ports/announcements.hpp"

namespace hg::cloud {

inline constexpr std::size_t kLongestAnnouncementBytes = 4096;

/// Members other than "url" are for later versions and are passed over. Errc::too_large; Errc::invalid: no JSON object,
/// no url; Errc::unsupported: not https. The texts never repeat what the message says.
Result<ports::Announcement> read_announcement(std::string_view message);

}  // namespace hg::cloud
