// SPDX-License-Identifier: Apache-2.0
#include "serial_link.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace smp_child {
namespace {

constexpr std::size_t kReadSize = 65536;
constexpr std::size_t kMaxUnread = 1 << 20;  // what nobody reads is lost, as on a real line
constexpr std::string_view kLogLine = "\x1b[0m[00:00:07.310,000] \x1b[33m<wrn> sensor: retry 1 of 3\x1b[0m\n";
constexpr std::string_view kPrompt = "\x1b[1;32muart:~$ \x1b[m";

}  // namespace

SerialLink::SerialLink(const LinkOptions& options, Loop& loop, Record& record, OnPacket on_packet)
    : options_(options),
      loop_(loop),
      record_(record),
      on_packet_(std::move(on_packet)),
      pty_(options.link),
      rx_(options.baud),
      tx_(options.baud),
      lines_(options.line_buffer, options.line_buffers),
      assembler_(options.buf_size) {}

void SerialLink::appear() {
  if (pty_.there()) return;
  pty_.appear();
  events_ = POLLIN;
  loop_.watch(pty_.master(), events_, [this](short revents) { on_ready(revents); });
  loop_.watch(pty_.closings(), POLLIN, [this](short) { pty_.reopen(); });
}

void SerialLink::vanish() {
  if (!pty_.there()) return;
  loop_.unwatch(pty_.master());
  loop_.unwatch(pty_.closings());
  pty_.vanish();
  out_.clear();
  lines_.clear();
  assembler_.clear();
}

void SerialLink::set_deaf(bool deaf) {
  if (!deaf) throw_away_input();
  deaf_ = deaf;
  lines_.clear();
  assembler_.clear();
  if (deaf) out_.clear();
}

void SerialLink::send(ByteView packet) {
  if (options_.noise) out_ += kLogLine;
  for (const std::string& line : frame(packet)) {
    if (options_.noise) out_ += kPrompt;
    out_ += line;
    if (options_.noise) out_ += kLogLine;
  }
  flush();
}

void SerialLink::send_text(std::string_view text) {
  out_ += text;
  flush();
}

void SerialLink::on_ready(short revents) {
  if ((revents & POLLOUT) != 0) flush();
  if ((revents & POLLIN) != 0) read();
}

void SerialLink::read() {
  static std::array<char, kReadSize> buffer;
  const std::size_t allowed = deaf_ ? kReadSize : std::min(rx_.allowance(), kReadSize);
  if (allowed == 0) return pause_reading();
  const ssize_t count = ::read(pty_.master(), buffer.data(), allowed);
  if (count <= 0) return;
  received_ += static_cast<std::size_t>(count);
  rx_.spend(static_cast<std::size_t>(count));
  if (static_cast<std::size_t>(count) < allowed) rx_.rest();
  if (!deaf_) take_in({buffer.data(), static_cast<std::size_t>(count)});
}

void SerialLink::take_in(std::string_view bytes) {
  lines_.feed(bytes);
  if (options_.line_buffers == 0) return drain();
  if (draining_ || lines_.empty()) return;
  draining_ = true;
  loop_.after(options_.drain, [this] {
    draining_ = false;
    drain();
  });
}

void SerialLink::drain() {
  while (const auto line = lines_.pop()) {
    if (auto packet = assembler_.take(*line)) on_packet_(std::move(*packet));
  }
  note_losses();
}

/// Writes what the line takes now; the rest when it takes more, or when its rate allows more.
void SerialLink::flush() {
  if (!pty_.there() || out_.size() > kMaxUnread) out_.clear();
  if (!pty_.there()) return;
  const std::size_t allowed = std::min(tx_.allowance(), out_.size());
  const ssize_t count = allowed == 0 ? 0 : ::write(pty_.master(), out_.data(), allowed);
  const auto written = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  out_.erase(0, written);
  tx_.spend(written);
  if (out_.empty()) tx_.rest();
  const bool full = count < 0;
  want(POLLOUT, full);
  if (full || out_.empty() || flushing_) return;
  flushing_ = true;
  loop_.after(tx_.paced() ? tx_.pause() : Duration::zero(), [this] {
    flushing_ = false;
    flush();
  });
}

void SerialLink::pause_reading() {
  want(POLLIN, false);
  loop_.after(rx_.pause(), [this] { want(POLLIN, true); });
}

void SerialLink::throw_away_input() {
  std::array<char, 4096> rest;
  while (pty_.there() && ::read(pty_.master(), rest.data(), rest.size()) > 0) continue;
}

/// The client sees only silence; whoever reads the log sees why.
void SerialLink::note_losses() {
  const std::size_t losses = lines_.lost() + assembler_.dropped();
  if (losses == losses_) return;
  record_.add("link_drops", losses - losses_);
  record_.save();
  record_.event("link: dropped a line or packet that breaks the framing or finds no buffer");
  losses_ = losses;
}

void SerialLink::want(short event, bool wanted) {
  if (!pty_.there()) return;
  events_ = static_cast<short>(wanted ? events_ | event : events_ & ~event);
  loop_.set_events(pty_.master(), events_);
}

}  // namespace smp_child
