// SPDX-License-Identifier: Apache-2.0
// The device: link, request queue, SMP server, board and bootloader joined, with the time that a boot takes. Used by
// main.
#pragma once

#include <functional>
#include <optional>

#include "board.hpp"
#include "bootloader.hpp"
#include "life.hpp"
#include "link.hpp"
#include "options.hpp"
#include "packet_log.hpp"
#include "record.hpp"
#include "recovery.hpp"
#include "request_queue.hpp"
#include "server.hpp"

namespace smp_child {

class Child {
 public:
  Child(const Options& options, Loop& loop);

  /// Power on; `up` is called, with what a client opens, when the child listens.
  void power_on(std::function<void(const std::string& where)> up);

  void link_vanishes();
  void link_returns();

  /// The reset button.
  void reset(std::string_view why);

 private:
  /// Who listens. Waiting: the recovery, for a time, for a first packet.
  enum class Phase { deaf, waiting, recovery, application };

  void boot();
  void wait_for_dfu();
  void boot_application();
  void enter_recovery(std::string_view why);
  void be_deaf();
  void listen(Phase phase, Responder& responder);
  void arm_reset(bool to_recovery);
  void receive(Packet packet);
  void link_lost();
  [[nodiscard]] bool mute() const;
  void save_record_soon();

  const Options& options_;
  Loop& loop_;
  Life life_;
  Record record_;
  std::optional<PacketLog> packets_;
  Board board_;
  Bootloader bootloader_;
  Server server_;
  Recovery recovery_;
  std::unique_ptr<Link> link_;
  RequestQueue queue_;
  std::function<void(const std::string& where)> up_;  // until it was called
  Phase phase_ = Phase::deaf;
  bool reset_armed_ = false;
  bool to_recovery_ = false;  // kept over a reset, not over a power cut
  bool saving_ = false;
};

}  // namespace smp_child
