// SPDX-License-Identifier: Apache-2.0
// Packets on a UART that carries nothing else (Zephyr's raw UART transport, MCUboot's raw serial recovery; smp.md 2.2):
// header and body as they are, without marker, length of their own or CRC. A packet ends where its Data Length says,
// so one wrong byte puts everything behind it out of step; what puts it in step again is silence, which the line keeps
// (Profile::raw_silence). Bytes in, packets out; knows no tty and no time. Used by the serial plugin.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace hg::smp {

class RawDecoder {
 public:
  /// The largest packet that is accepted, as in the console framing.
  static constexpr std::size_t kMaxPacket = 16 * 1024;

  /// Takes received bytes; calls `deliver(Bytes)` for each packet that they complete. Headers that no answer can have
  /// put the stream out of step: all that follows is dropped until reset().
  template <class F>
  void feed(ByteView received, F&& deliver) {
    while (!received.empty() && !is_out_of_step_) {
      received = received.subspan(take(received));
      if (!is_complete()) continue;
      deliver(std::move(packet_));
      packet_.clear();
    }
  }

  /// Forgets what was begun: after a silence, or when the line was opened again.
  void reset();

  [[nodiscard]] bool is_out_of_step() const { return is_out_of_step_; }
  /// A packet has begun and not ended.
  [[nodiscard]] bool is_inside() const { return !packet_.empty(); }

 private:
  /// Appends to `packet_` at most what it still lacks; how many bytes that was.
  std::size_t take(ByteView received);
  [[nodiscard]] bool is_complete() const;

  Bytes packet_;  // so far
  bool is_out_of_step_ = false;
};

}  // namespace hg::smp
