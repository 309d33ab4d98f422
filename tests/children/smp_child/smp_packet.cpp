// SPDX-License-Identifier: Apache-2.0
#include "smp_packet.hpp"

namespace smp_child {

std::optional<Header> parse_header(ByteView packet) {
  if (packet.size() < kHeaderSize) return std::nullopt;
  const auto op = static_cast<std::uint8_t>(packet[0] & 7);
  const auto version = static_cast<std::uint8_t>(packet[0] >> 3 & 3);
  const std::uint64_t length = big_endian(packet.subspan(2, 2));
  if ((op != kRead && op != kWrite) || version > 1 || length != packet.size() - kHeaderSize) return std::nullopt;
  return Header{op, version, static_cast<std::uint16_t>(big_endian(packet.subspan(4, 2))), packet[6], packet[7]};
}

Bytes answer_packet(const Header& request, int version, ByteView body) {
  Bytes out{static_cast<std::uint8_t>(version << 3 | (request.op + 1)), 0};
  append_big_endian(out, body.size(), 2);
  append_big_endian(out, request.group, 2);
  append_big_endian(out, request.sequence, 1);
  append_big_endian(out, request.command, 1);
  append(out, body);
  return out;
}

}  // namespace smp_child
