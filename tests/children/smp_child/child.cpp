// SPDX-License-Identifier: Apache-2.0
#include "child.hpp"

#include <utility>

namespace smp_child {
namespace {

constexpr Millis kRecordDelay{20};
constexpr std::string_view kBootText =
    "\r\n*** Booting MCUboot v2.4.0 ***\r\n*** Booting Zephyr OS build v3.5.0 ***\r\n";

}  // namespace

Child::Child(const Options& options, Loop& loop)
    : options_(options),
      loop_(loop),
      life_(loop),
      record_(options.state, options.verbose),
      board_(options.state, options.boot, record_),
      bootloader_(options.boot, board_),
      server_(options, board_),
      recovery_(options, board_),
      link_(make_link(options, loop, record_, [this](Packet packet) { receive(std::move(packet)); })),
      queue_(options, life_, *link_, record_,
             {[this](bool to_recovery) { arm_reset(to_recovery); }, [this] { reset("spontaneous"); }}) {
  link_->on_closed = [this] { link_lost(); };
  if (options.log_packets) packets_.emplace(options.state);
}

void Child::power_on(std::function<void(const std::string& where)> up) {
  up_ = std::move(up);
  record_.count("power_ons");
  record_.event("power on");
  boot();
}

void Child::link_vanishes() {
  record_.event("link vanishes");
  link_lost();
  link_->vanish();
}

void Child::link_returns() {
  link_->appear();
  record_.event("link " + link_->where());
}

void Child::link_lost() {
  if (!options_.faults.hang_on_lost_link || phase_ == Phase::deaf || !queue_.has_open()) return;
  record_.event("fault: the server hangs");
  queue_.hang();
}

void Child::boot() {
  const RecoveryOptions& recovery = options_.boot.recovery;
  life_.begin();
  reset_armed_ = false;
  server_.restart();
  recovery_.restart();
  be_deaf();
  if (recovery.entry == RecoveryEntry::only) return enter_recovery("there is nothing else");
  if (std::exchange(to_recovery_, false)) return enter_recovery("boot mode");
  if (recovery.wait_for_dfu != Millis::zero()) return wait_for_dfu();
  boot_application();
}

/// Any SMP packet within the time latches: the recovery stays until a reset (smp.md 6).
void Child::wait_for_dfu() {
  listen(Phase::waiting, recovery_);
  record_.event("recovery: waits for a packet");
  life_.after(options_.boot.recovery.wait_for_dfu, [this] {
    if (phase_ != Phase::waiting) return;
    be_deaf();
    boot_application();
  });
}

/// The bootloader's decisions are durable at once; the time they take is spent deaf.
void Child::boot_application() {
  const bool moved = bootloader_.boot();
  life_.after(moved ? options_.boot.swap : options_.boot.boot, [this] {
    if (bootloader_.bootable()) {
      listen(Phase::application, server_);
      record_.event("up");
      if (options_.link.noise) link_->send_text(kBootText);
    } else if (options_.boot.recovery.entry == RecoveryEntry::automatic) {
      return enter_recovery("no bootable image");
    } else {
      return record_.event("boot: no bootable image, nothing runs");
    }
    if (up_) std::exchange(up_, nullptr)(link_->where());
  });
}

void Child::enter_recovery(std::string_view why) {
  if (phase_ != Phase::waiting) listen(Phase::recovery, recovery_);
  phase_ = Phase::recovery;
  record_.count("recoveries");
  record_.event("recovery: " + std::string(why));
  if (up_) std::exchange(up_, nullptr)(link_->where());
}

/// A USB tty is there only while somebody listens.
void Child::be_deaf() {
  phase_ = Phase::deaf;
  if (options_.link.usb) {
    link_->vanish();
  } else {
    link_->appear();
  }
  link_->set_deaf(true);
}

void Child::listen(Phase phase, Responder& responder) {
  phase_ = phase;
  link_->set_bootloader(phase != Phase::application);
  queue_.restart(responder);
  link_->appear();
  link_->set_deaf(false);
}

void Child::reset(std::string_view why) {
  record_.event("reset: " + std::string(why));
  record_.count("resets");
  boot();
}

/// A second request before the reset is the same reset.
void Child::arm_reset(bool to_recovery) {
  to_recovery_ = to_recovery_ || to_recovery;
  if (std::exchange(reset_armed_, true)) return;
  life_.after(options_.server.reset_delay, [this] { reset("requested"); });
}

void Child::receive(Packet packet) {
  if (packets_) packets_->add(packet.bytes);
  if (phase_ == Phase::deaf || mute()) return;
  if (phase_ == Phase::waiting) enter_recovery("a packet while waiting");
  save_record_soon();
  queue_.receive(std::move(packet));
}

bool Child::mute() const {
  return options_.faults.mute || link_->received() >= options_.faults.mute_after_bytes;
}

/// One write of the file for many packets.
void Child::save_record_soon() {
  if (std::exchange(saving_, true)) return;
  loop_.after(kRecordDelay, [this] {
    saving_ = false;
    record_.save();
  });
}

}  // namespace smp_child
