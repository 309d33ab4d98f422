// SPDX-License-Identifier: Apache-2.0
// SMP over console (smp.md 2.1): lines of Base64 behind two marker bytes, a length before the packet and a CRC-16
// behind it. Three steps in: LineBuffers cuts bytes into lines as Zephyr's UART driver does, Assembler joins lines to
// packets, and what breaks a rule is dropped without a word. One step out: frame(). Used by the serial link.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.hpp"

namespace smp_child {

/// CRC-16/XMODEM.
std::uint16_t crc16(ByteView bytes);

/// The receive buffers of the UART driver: `count` lines (0 = any number) of `size` bytes, newline included.
class LineBuffers {
 public:
  LineBuffers(std::size_t size, std::size_t count) : size_(size), count_(count) {}

  /// Cuts received bytes into lines. A line that is too long, or begins while all buffers are full, is lost.
  void feed(std::string_view bytes);

  /// The oldest complete line, without its newline.
  std::optional<std::string> pop();

  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] std::size_t lost() const { return lost_; }
  void clear();

 private:
  void add_to_line(std::string_view piece);
  void end_line();

  std::size_t size_, count_;
  std::deque<std::string> lines_;
  std::string current_;
  bool ignoring_ = false;  // the rest of a lost line
  std::size_t lost_ = 0;
};

/// Joins lines to packets that fit, with length and CRC, in a buffer of `buffer_size`.
class Assembler {
 public:
  explicit Assembler(std::size_t buffer_size) : buffer_size_(buffer_size) {}

  /// The packet that this line completes, if it does.
  std::optional<Bytes> take(std::string_view line);

  void set_size(std::size_t buffer_size) { buffer_size_ = buffer_size; }
  [[nodiscard]] std::size_t dropped() const { return dropped_; }
  void clear() { started_ = false; }

 private:
  std::optional<Bytes> finish();
  std::nullopt_t drop();

  std::size_t buffer_size_;
  Bytes buffer_;
  bool started_ = false;
  std::size_t dropped_ = 0;
};

/// The lines of one packet, each with its newline, as Zephyr cuts them: both CRC bytes stand in the same line.
std::vector<std::string> frame(ByteView packet);

/// The same as MCUboot cuts them: all is encoded at once, and the Base64 text cut.
std::vector<std::string> frame_as_mcuboot(ByteView packet);

}  // namespace smp_child
