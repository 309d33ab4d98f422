// SPDX-License-Identifier: Apache-2.0
#include "smp/packet.hpp"

#include "base/cbor.hpp"

namespace hg::smp {
namespace {

constexpr unsigned kVersionShift = 3;
constexpr std::uint8_t kVersionMask = 0x03;
constexpr std::uint8_t kOpMask = 0x07;
constexpr std::uint8_t kHighestOp = 3;

std::uint16_t big_endian(ByteView two) {
  return static_cast<std::uint16_t>(two[0] << 8U | two[1]);
}

}  // namespace

Bytes empty_request() {
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(0);
  return packet;
}

void put_header(std::span<std::uint8_t> packet, Command command, std::uint8_t version, std::uint8_t sequence) {
  const std::size_t length = packet.size() - kHeaderSize;
  packet[0] =
      static_cast<std::uint8_t>((version & kVersionMask) << kVersionShift | static_cast<std::uint8_t>(command.op));
  packet[1] = 0;
  packet[2] = static_cast<std::uint8_t>(length >> 8U);
  packet[3] = static_cast<std::uint8_t>(length);
  packet[4] = static_cast<std::uint8_t>(command.group >> 8U);
  packet[5] = static_cast<std::uint8_t>(command.group);
  packet[6] = sequence;
  packet[7] = command.id;
}

std::optional<Header> header_of(ByteView packet) {
  if (packet.size() < kHeaderSize) return std::nullopt;
  Header header;
  header.version = static_cast<std::uint8_t>(packet[0] >> kVersionShift & kVersionMask);
  const auto op = static_cast<std::uint8_t>(packet[0] & kOpMask);
  if (op > kHighestOp) return std::nullopt;
  header.op = static_cast<Op>(op);
  header.length = big_endian(packet.subspan(2, 2));
  header.group = big_endian(packet.subspan(4, 2));
  header.sequence = packet[6];
  header.command = packet[7];
  if (header.length != packet.size() - kHeaderSize) return std::nullopt;
  return header;
}

bool answers(const Header& answer, Command command, std::uint8_t sequence) {
  const auto expected = static_cast<std::uint8_t>(static_cast<std::uint8_t>(command.op) + 1);
  return static_cast<std::uint8_t>(answer.op) == expected && answer.group == command.group &&
         answer.command == command.id && answer.sequence == sequence;
}

}  // namespace hg::smp
