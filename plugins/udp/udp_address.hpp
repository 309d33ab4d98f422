// SPDX-License-Identifier: Apache-2.0
// Where a child listens, as the configuration writes it. Pure; udp_link asks what addresses a name has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hg::udp {

inline constexpr std::uint16_t kSmpPort = 1337;

struct UdpAddress {
  std::string host;  ///< a name or a literal, without brackets
  std::uint16_t port = kSmpPort;
  friend bool operator==(const UdpAddress&, const UdpAddress&) = default;
};

/// "host", "host:port", "192.0.2.7:1337", "[2001:db8::7]", "[fe80::7%eth0]:1337". Errc::invalid says what is wrong;
/// an IPv6 literal without brackets is.
Result<UdpAddress> udp_address_from(std::string_view address);

}  // namespace hg::udp
