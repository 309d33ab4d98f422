// SPDX-License-Identifier: Apache-2.0
// The 8-byte SMP header (smp.md 1) of requests and answers. Used by the server and the recovery.
#pragma once

#include <optional>

#include "bytes.hpp"

namespace smp_child {

inline constexpr std::size_t kHeaderSize = 8;
enum Op : std::uint8_t { kRead = 0, kWrite = 2 };

/// A request's header, without the length.
struct Header {
  std::uint8_t op;
  std::uint8_t version;  // 0: v1, 1: v2
  std::uint16_t group;
  std::uint8_t sequence;
  std::uint8_t command;
};

/// Nothing for answers, unknown versions and a length that the packet does not have.
std::optional<Header> parse_header(ByteView packet);

/// The answer to a request, with this version in its header.
Bytes answer_packet(const Header& request, int version, ByteView body);

}  // namespace smp_child
