// SPDX-License-Identifier: Apache-2.0
// How MCUboot writes a number, a version and, of our own, how an error names a byte of the file. Shared by the readers
// of this layer, called by nobody else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "images/mcuboot.hpp"

namespace hg::images {

inline constexpr std::size_t kVersionBytes = 8;

/// Little endian, as all of MCUboot. The caller knows that the bytes are there.
inline std::uint16_t u16(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8U);
}

inline std::uint32_t u32(ByteView bytes, std::size_t at) {
  return u16(bytes, at) | static_cast<std::uint32_t>(u16(bytes, at + 2)) << 16U;
}

inline McubootVersion version_at(ByteView bytes, std::size_t at) {
  return {bytes[at], bytes[at + 1], u16(bytes, at + 2), u32(bytes, at + 4)};
}

/// "offset 25088: <what>", counted from the first byte of the file.
inline Error error_at(std::uint64_t offset, Errc code, std::string_view what) {
  return Error{code, std::string(what)}.within("offset " + std::to_string(offset));
}

}  // namespace hg::images
