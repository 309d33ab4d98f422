// SPDX-License-Identifier: Apache-2.0
// How a child's radio link is, as its plugin said last. For people: nothing is decided by it. adapters/transport keeps
// it, ports::Transport and ports::Control hand it on, adapters/dbus shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace hg::ports {

struct Radio {
  std::string adapter;               ///< by which the child is reached: "hci0"
  std::optional<std::int16_t> rssi;  ///< of what was heard of the child last, dBm: -127 to 20
  std::optional<std::uint16_t> mtu;  ///< of the connection, bytes
  Duration airtime{0};               ///< that transfers with this child have used since its plugin started
  std::uint64_t breaks = 0;          ///< connections that this gateway did not end, since its plugin started

  friend bool operator==(const Radio&, const Radio&) = default;
};

}  // namespace hg::ports
