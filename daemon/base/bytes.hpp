// SPDX-License-Identifier: Apache-2.0
// Byte spans and the few things everybody does with them: hexadecimal text, constant-time compare, wiping.
// Used by every layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hg {

using ByteView = std::span<const std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

/// The bytes of a text, not copied: lives as long as `text`.
ByteView as_bytes(std::string_view text);

/// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);

/// The bytes of an even number of hexadecimal digits of either case; nothing else is accepted.
std::optional<Bytes> from_hex(std::string_view digits);

/// Equality whose time depends on the lengths only.
bool equal_in_constant_time(ByteView a, ByteView b);

/// Overwrites a secret in a way that the compiler keeps.
void wipe(std::span<std::uint8_t> secret);

}  // namespace hg
