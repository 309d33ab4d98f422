// SPDX-License-Identifier: Apache-2.0
// "SMP over console": packets as lines of Base64 behind two marker bytes, for serial lines that may carry log text and
// a shell too (Zephyr "SMP over console transport"). Length, packet and CRC-16 are cut into pieces of 93 bytes, each
// encoded on its own; a line is at most 127 bytes, its newline included, because the child drops longer ones silently.
// Bytes in, packets out and back; knows no tty. Used by the serial plugin.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace hg::smp {

/// CRC-16/XMODEM: polynomial 0x1021, start 0, not reflected.
std::uint16_t crc16(ByteView bytes);

/// Appends the lines of one packet to `lines` (each ends with '\n'). `packet` has at most 65533 bytes.
void encode_console(ByteView packet, Bytes& lines);

/// Finds packets in what a child sends. Anything that is not a complete, correct packet is dropped without a word.
class ConsoleDecoder {
 public:
  /// The largest packet that is accepted; Zephyr's own buffers are smaller by far.
  static constexpr std::size_t kMaxPacket = 16 * 1024;

  /// Takes received bytes; calls `deliver(Bytes)` for each packet that they complete.
  template <class F>
  void feed(ByteView received, F&& deliver) {
    for (const std::uint8_t byte : received) {
      if (byte == '\n') {
        if (auto packet = end_line()) deliver(std::move(*packet));
      } else if (line_.size() < kMaxLine) {
        line_.push_back(byte);
      } else {
        is_too_long_ = true;
      }
    }
  }

  /// Forgets what was begun: after the line was opened again.
  void reset();

 private:
  static constexpr std::size_t kMaxLine = 1024;  // foreign text may stand before the marker

  std::optional<Bytes> end_line();
  std::optional<Bytes> take_piece(bool is_first, ByteView text);

  Bytes line_;
  bool is_too_long_ = false;
  Bytes packet_;  // length, packet and CRC so far
  bool is_open_ = false;
};

}  // namespace hg::smp
