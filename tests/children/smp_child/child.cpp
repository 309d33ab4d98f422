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
      record_(options.state, options.verbose),
      board_(options.state, options.boot, record_),
      bootloader_(options.boot, board_),
      server_(options, board_),
      link_(options.link, loop, record_, [this](Bytes packet) { receive(std::move(packet)); }),
      chance_(options.faults.seed) {}

void Child::power_on(std::function<void(const std::string& path)> up) {
  record_.count("power_ons");
  record_.event("power on");
  link_.appear();
  boot([this, up = std::move(up)] { up(link_.path()); });
}

void Child::tty_vanishes() {
  record_.event("tty vanishes");
  link_.vanish();
}

void Child::tty_returns() {
  link_.appear();
  record_.event("tty " + link_.path());
}

/// The bootloader's decisions are durable at once; the time they take is spent deaf.
void Child::boot(std::function<void()> up) {
  ++life_;
  running_ = busy_ = reset_armed_ = false;
  waiting_.clear();
  link_.set_deaf(true);
  server_.restart();
  const bool moved = bootloader_.boot();
  in_this_life(moved ? options_.boot.swap : options_.boot.boot, [this, up = std::move(up)] {
    link_.set_deaf(false);
    running_ = true;
    record_.event("up");
    if (options_.link.noise) link_.send_text(kBootText);
    up();
  });
}

void Child::reset(std::string_view why) {
  record_.event("reset: " + std::string(why));
  record_.count("resets");
  boot([] {});
}

/// A second request before the reset is the same reset.
void Child::arm_reset() {
  if (std::exchange(reset_armed_, true)) return;
  in_this_life(options_.server.reset_delay, [this] { reset("requested"); });
}

void Child::receive(Bytes packet) {
  if (!running_ || mute()) return;
  record_.add("packets", 1);
  save_record_soon();
  if (chance_.happens(options_.faults.drop_rx)) return record_.event("fault: request lost");
  if (!busy_) return work(packet);
  if (waiting_.size() < options_.link.buf_count) waiting_.push_back(std::move(packet));
}

void Child::work(ByteView packet) {
  auto outcome = server_.handle(packet);
  if (!outcome) return;
  if (outcome->crash) return reset("spontaneous");
  if (outcome->reset) arm_reset();
  if (outcome->takes == Duration::zero()) return answer(std::move(outcome->answer));
  busy_ = true;
  in_this_life(outcome->takes, [this, bytes = std::move(outcome->answer)] {
    busy_ = false;
    answer(bytes);
    work_off_waiting();
  });
}

void Child::work_off_waiting() {
  while (!waiting_.empty() && !busy_ && running_) {
    const Bytes packet = std::move(waiting_.front());
    waiting_.pop_front();
    work(packet);
  }
}

void Child::answer(Bytes packet) {
  const FaultOptions& faults = options_.faults;
  if (chance_.happens(faults.drop_tx)) return record_.event("fault: answer lost");
  const bool late = faults.late_answer != Millis::zero() && chance_.happens(faults.late);
  if (!late) return send(packet);
  in_this_life(faults.late_answer, [this, bytes = std::move(packet)] { send(bytes); });
}

void Child::send(ByteView packet) {
  link_.send(packet);
  if (options_.faults.duplicate_answers) link_.send(packet);
}

bool Child::mute() const {
  return options_.faults.mute || link_.received() >= options_.faults.mute_after_bytes;
}

/// One write of the file for many packets.
void Child::save_record_soon() {
  if (std::exchange(saving_, true)) return;
  loop_.after(kRecordDelay, [this] {
    saving_ = false;
    record_.save();
  });
}

void Child::in_this_life(Duration delay, std::function<void()> action) {
  loop_.after(delay, [this, life = life_, action = std::move(action)] {
    if (life == life_) action();
  });
}

}  // namespace smp_child
