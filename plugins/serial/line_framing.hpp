// SPDX-License-Identifier: Apache-2.0
// How packets stand on one serial line: in which pieces and after which pauses a packet is written, and what is found
// in what comes. serial_line writes and reads with it; the formats themselves are in plugins/smp.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "smp/link.hpp"
#include "smp/profile.hpp"

namespace hg::serial {

class LineFraming {
 public:
  /// Bytes to write at once, `pause` after the piece before them. They live until the next put().
  struct Piece {
    smp::Milliseconds pause;
    ByteView bytes;
  };

  virtual ~LineFraming() = default;
  [[nodiscard]] virtual const smp::Link::Limits& limits() const = 0;

  /// How long nothing may be sent before a packet that follows an error, and what is dropped then: half an answer.
  [[nodiscard]] virtual smp::Milliseconds silence() const { return smp::Milliseconds{0}; }
  virtual void after_silence() {}
  /// What comes cannot be told apart any more: as after an error.
  [[nodiscard]] virtual bool is_out_of_step() const { return false; }

  /// The pieces of one packet. `anew`: half of something else may stand in the child's buffer.
  virtual void put(ByteView packet, bool anew, std::vector<Piece>& pieces) = 0;
  virtual void set_line_gap(smp::Milliseconds) {}

  /// The line was opened again: nothing is left of what came before.
  virtual void reset() = 0;
  virtual void feed(ByteView received, const std::function<void(Bytes)>& deliver) = 0;
};

std::unique_ptr<LineFraming> make_framing(const smp::Profile& profile);

}  // namespace hg::serial
