// SPDX-License-Identifier: Apache-2.0
// The serial line: reads the pty, through line buffers and assembler, to packets; writes answers as lines; both at the
// rate of the line, with noise if wanted. Used by the child.
#pragma once

#include <functional>
#include <string>

#include "framing.hpp"
#include "loop.hpp"
#include "options.hpp"
#include "pacer.hpp"
#include "pty.hpp"
#include "record.hpp"

namespace smp_child {

class SerialLink {
 public:
  using OnPacket = std::function<void(Bytes packet)>;

  SerialLink(const LinkOptions& options, Loop& loop, Record& record, OnPacket on_packet);

  /// The tty comes; its path is path().
  void appear();
  void vanish();
  [[nodiscard]] const std::string& path() const { return pty_.path(); }

  /// Deaf: what comes in is thrown away, what was half in or half out is lost.
  void set_deaf(bool deaf);

  void send(ByteView packet);
  void send_text(std::string_view text);

  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  void on_ready(short revents);
  void read();
  void take_in(std::string_view bytes);
  void drain();
  void flush();
  void pause_reading();
  void throw_away_input();
  void note_losses();
  void want(short event, bool wanted);

  const LinkOptions& options_;
  Loop& loop_;
  Record& record_;
  OnPacket on_packet_;
  Pty pty_;
  Pacer rx_, tx_;
  LineBuffers lines_;
  Assembler assembler_;
  std::string out_;
  short events_ = 0;
  bool deaf_ = false;
  bool draining_ = false;  // a timer will drain the line buffers
  bool flushing_ = false;  // a timer will flush
  std::uint64_t received_ = 0;
  std::size_t losses_ = 0;  // noted so far
};

}  // namespace smp_child
