// SPDX-License-Identifier: Apache-2.0
// The device: serial link, SMP server, board and bootloader joined, with the time that things take (erase, reset
// delay, boot) and the faults of the link. Used by main.
#pragma once

#include <deque>
#include <functional>

#include "board.hpp"
#include "bootloader.hpp"
#include "chance.hpp"
#include "loop.hpp"
#include "options.hpp"
#include "record.hpp"
#include "serial_link.hpp"
#include "server.hpp"

namespace smp_child {

class Child {
 public:
  Child(const Options& options, Loop& loop);

  /// Power on; `up` is called, with the path of the tty, when the application listens.
  void power_on(std::function<void(const std::string& path)> up);

  void tty_vanishes();
  void tty_returns();

 private:
  void boot(std::function<void()> up);
  void reset(std::string_view why);
  void arm_reset();
  void receive(Bytes packet);
  void work(ByteView packet);
  void work_off_waiting();
  void answer(Bytes packet);
  void send(ByteView packet);
  [[nodiscard]] bool mute() const;
  void save_record_soon();

  /// Like Loop::after, but a reset before then cancels it.
  void in_this_life(Duration delay, std::function<void()> action);

  const Options& options_;
  Loop& loop_;
  Record record_;
  Board board_;
  Bootloader bootloader_;
  Server server_;
  SerialLink link_;
  Chance chance_;
  unsigned life_ = 0;  // boots so far
  bool running_ = false;
  bool busy_ = false;
  bool reset_armed_ = false;
  bool saving_ = false;
  std::deque<Bytes> waiting_;  // packets that came while busy
};

}  // namespace smp_child
