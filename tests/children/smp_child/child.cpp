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
      link_(make_link(options, loop, record_, [this](Packet packet) { receive(std::move(packet)); })),
      queue_(options, life_, *link_, record_, {[this] { arm_reset(); }, [this] { reset("spontaneous"); }}) {
  link_->on_closed = [this] { link_lost(); };
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
  if (!options_.faults.hang_on_lost_link || !running_ || !queue_.has_open()) return;
  record_.event("fault: the server hangs");
  queue_.hang();
}

/// The bootloader's decisions are durable at once; the time they take is spent deaf.
void Child::boot() {
  life_.begin();
  running_ = reset_armed_ = false;
  if (options_.link.usb) link_->vanish();
  if (!options_.link.usb) link_->appear();
  link_->set_deaf(true);
  server_.restart();
  queue_.restart(server_);
  const bool moved = bootloader_.boot();
  life_.after(moved ? options_.boot.swap : options_.boot.boot, [this] { come_up(); });
}

void Child::come_up() {
  link_->appear();
  link_->set_deaf(false);
  running_ = true;
  record_.event("up");
  if (options_.link.noise) link_->send_text(kBootText);
  if (up_) std::exchange(up_, nullptr)(link_->where());
}

void Child::reset(std::string_view why) {
  record_.event("reset: " + std::string(why));
  record_.count("resets");
  boot();
}

/// A second request before the reset is the same reset.
void Child::arm_reset() {
  if (std::exchange(reset_armed_, true)) return;
  life_.after(options_.server.reset_delay, [this] { reset("requested"); });
}

void Child::receive(Packet packet) {
  if (!running_ || mute()) return;
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
