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
///
/// Nothing but the two markers is looked for: what stands before one (a prompt, colours, log text of any length, a line
/// that lost its newline) is not even kept, and what follows the Base64 (a carriage return, the end of a colour) is cut
/// off. A piece ends at its newline or at the next marker.
class ConsoleDecoder {
 public:
  /// The largest packet that is accepted; Zephyr's own buffers are smaller by far.
  static constexpr std::size_t kMaxPacket = 16 * 1024;

  /// Takes received bytes; calls `deliver(Bytes)` for each packet that they complete.
  template <class F>
  void feed(ByteView received, F&& deliver) {
    for (const std::uint8_t byte : received) {
      if (auto packet = take(byte)) deliver(std::move(*packet));
    }
  }

  /// Forgets what was begun: after the line was opened again.
  void reset();

 private:
  static constexpr std::size_t kMaxPiece = 1024;  // characters of Base64 in one line; the specification has 124
  enum class Piece : std::uint8_t { none, first, next };

  std::optional<Bytes> take(std::uint8_t byte);
  /// What stands in `line_` belongs to the packet that is being put together; the packet when it is complete.
  std::optional<Bytes> end_piece();
  std::optional<Bytes> checked_packet();

  Piece piece_ = Piece::none;   // what the line is, as far as it came
  std::uint8_t last_byte_ = 0;  // may be the first byte of a marker
  Bytes line_;                  // Base64 behind the marker
  bool is_text_over_ = false;   // what follows on this line is not Base64
  Bytes packet_;                // length, packet and CRC so far
  bool is_open_ = false;
};

}  // namespace hg::smp
