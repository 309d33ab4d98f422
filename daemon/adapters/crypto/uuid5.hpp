// SPDX-License-Identifier: Apache-2.0
// Name-based UUIDs (RFC 9562 §5.5), as SUIT makes vendor and class ids from a domain and from class information
// (draft-ietf-suit-manifest §8.4.8.2). Compatibility data, never an identity. Used by app/config and adapters/dbus.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace hg::crypto {

using Uuid = std::array<std::uint8_t, 16>;

/// RFC 9562 §6.6.
inline constexpr Uuid kDnsNamespace{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                    0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

/// Version 5: SHA-1 over the name space and the name.
Uuid uuid5(const Uuid& name_space, std::string_view name);

/// `text` as it is if it has the form of a UUID, else the version 5 UUID of that name.
Uuid uuid_from(std::string_view text, const Uuid& name_space);

}  // namespace hg::crypto
