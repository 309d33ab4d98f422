// SPDX-License-Identifier: Apache-2.0
// Ways to spoil a MCUboot image so that nothing but one rule is broken: entries are added, retyped and resized, and all
// sizes around them follow. Used by test_mcuboot.cpp.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace hg::images::spoiling {

inline constexpr std::size_t kProtectedSizeAt = 10;  // in the header
inline constexpr std::size_t kHeadBytes = 4;         // of an area, and of an entry

inline std::uint16_t get_u16(const Bytes& image, std::size_t at) {
  return static_cast<std::uint16_t>(image[at] | image[at + 1] << 8U);
}

inline void put_u16(Bytes& image, std::size_t at, std::size_t value) {
  image[at] = static_cast<std::uint8_t>(value);
  image[at + 1] = static_cast<std::uint8_t>(value >> 8U);
}

inline std::size_t tlvs_of(const Bytes& image) {
  return get_u16(image, 8) + get_u16(image, 12) + (std::size_t{get_u16(image, 14)} << 16U);
}

/// Where the unprotected area begins.
inline std::size_t area_of(const Bytes& image) {
  return tlvs_of(image) + get_u16(image, kProtectedSizeAt);
}

/// Where the first entry of that type begins in the unprotected area.
inline std::size_t entry_of(const Bytes& image, std::uint16_t type) {
  std::size_t at = area_of(image) + kHeadBytes;
  while (get_u16(image, at) != type) at += kHeadBytes + get_u16(image, at + 2);
  return at;
}

inline Bytes entry(std::uint16_t type, std::size_t size) {
  Bytes bytes(kHeadBytes + size, 0x5a);
  put_u16(bytes, 0, type);
  put_u16(bytes, 2, size);
  return bytes;
}

inline void insert(Bytes& image, std::size_t at, const Bytes& bytes) {
  image.insert(image.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
}

/// As the last entry of the unprotected area.
inline void append(Bytes& image, const Bytes& entry) {
  const std::size_t area = area_of(image);
  const std::size_t size = get_u16(image, area + 2);
  insert(image, area + size, entry);
  put_u16(image, area + 2, size + entry.size());
}

/// In a protected area of its own.
inline void protect(Bytes& image, const Bytes& entry) {
  const std::size_t at = tlvs_of(image);
  const std::size_t size = kHeadBytes + entry.size();
  Bytes area(kHeadBytes);
  put_u16(area, 0, 0x6908);
  put_u16(area, 2, size);
  insert(area, kHeadBytes, entry);
  insert(image, at, area);
  put_u16(image, kProtectedSizeAt, size);
}

/// Gives the entry another type and size.
inline void become(Bytes& image, std::size_t at, std::uint16_t type, std::size_t size) {
  const std::size_t area = area_of(image);
  const std::size_t old = get_u16(image, at + 2);
  const auto value = image.begin() + static_cast<std::ptrdiff_t>(at + kHeadBytes);
  image.erase(value, value + static_cast<std::ptrdiff_t>(old));
  insert(image, at + kHeadBytes, Bytes(size, 0x5a));
  put_u16(image, at, type);
  put_u16(image, at + 2, size);
  put_u16(image, area + 2, get_u16(image, area + 2) + size - old);
}

}  // namespace hg::images::spoiling
