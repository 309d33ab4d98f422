// SPDX-License-Identifier: Apache-2.0
#include "serial_link.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace smp_child {
namespace {

constexpr std::size_t kReadSize = 65536;
constexpr std::size_t kSendBuffer = 4096;  // what a UART driver on the client's side takes before it blocks
constexpr std::size_t kMaxUnread = 4096;   // pieces; what nobody reads is lost, as on a real line
constexpr std::string_view kLogLine = "\x1b[0m[00:00:07.310,000] \x1b[33m<wrn> sensor: retry 1 of 3\x1b[0m\n";
constexpr std::string_view kPrompt = "\x1b[1;32muart:~$ \x1b[m";

}  // namespace

SerialLink::SerialLink(const Options& options, Loop& loop, Record& record, OnPacket on_packet)
    : options_(options.link),
      loop_(loop),
      record_(record),
      pty_(options.link.link),
      rx_(options.link.baud, {options.faults.lose_bytes, options.faults.garble}, options.faults.seed),
      tx_(options.link.baud, {options.faults.lose_bytes, options.faults.garble}, options.faults.seed + 1),
      receiver_(make_receiver(options.link, loop,
                              [on_packet = std::move(on_packet)](Bytes packet) { on_packet({std::move(packet)}); })) {
  receiver_->on_later = [this] { note_losses(); };
}

void SerialLink::appear() {
  if (pty_.there()) return;
  pty_.appear();
  events_ = POLLIN;
  loop_.watch(pty_.master(), events_, [this](short revents) { on_ready(revents); });
  loop_.watch(pty_.closings(), POLLIN, [this](short) {
    pty_.reopen();
    on_closed();
  });
}

void SerialLink::vanish() {
  if (!pty_.there()) return;
  loop_.unwatch(pty_.master());
  loop_.unwatch(pty_.closings());
  pty_.vanish();
  forget();
}

void SerialLink::set_deaf(bool deaf) {
  if (!deaf) throw_away_input();
  deaf_ = deaf;
  if (deaf) forget();
  receiver_->clear();
}

void SerialLink::send(const Packet& packet) {
  std::vector<std::string> pieces = receiver_->pieces(packet.bytes);
  if (options_.noise) put(kLogLine);
  if (!tx_.paced() && !options_.noise) {
    std::string joined;
    for (const std::string& piece : pieces) joined += piece;
    pieces = {std::move(joined)};
  }
  for (const std::string& piece : pieces) {
    if (options_.noise) put(kPrompt);
    put(piece);
    if (options_.noise) put(kLogLine);
  }
  flush();
}

void SerialLink::send_text(std::string_view text) {
  put(text);
  flush();
}

void SerialLink::on_ready(short revents) {
  if ((revents & POLLOUT) != 0) flush();
  if ((revents & POLLIN) != 0) read();
}

void SerialLink::read() {
  static std::array<char, kReadSize> buffer;
  const std::size_t room = rx_.paced() ? kSendBuffer - coming_.size() : kReadSize;
  const ssize_t count = ::read(pty_.master(), buffer.data(), room);
  if (count <= 0) return;
  received_ += static_cast<std::size_t>(count);
  if (deaf_) return;
  rx_.put(loop_.now(), static_cast<std::size_t>(count));
  coming_.append(buffer.data(), static_cast<std::size_t>(count));
  deliver();
}

/// Takes in what has arrived; the next of it when that has.
void SerialLink::deliver() {
  while (!coming_.empty()) {
    const std::size_t count = rx_.paced() ? receiver_->to_next_event(coming_) : coming_.size();
    const Clock::time_point due = rx_.arrival(coming_.size() - count);
    if (due > loop_.now()) {
      if (!std::exchange(delivering_, true)) {
        loop_.at(due, [this] {
          delivering_ = false;
          deliver();
        });
      }
      break;
    }
    const std::string piece = coming_.substr(0, count);
    coming_.erase(0, count);
    receiver_->feed(rx_.carry(piece));
  }
  note_losses();
  want(POLLIN, coming_.size() < kSendBuffer);
}

void SerialLink::put(std::string_view bytes) {
  const Clock::time_point due = tx_.put(loop_.now(), bytes.size());
  out_.push_back({due, tx_.carry(bytes)});
}

/// Writes what has arrived at the client by now; the rest when it has, or when the client made room.
void SerialLink::flush() {
  if (!pty_.there() || out_.size() > kMaxUnread) out_.clear();
  bool full = false;
  while (!out_.empty() && !full && out_.front().due <= loop_.now()) {
    full = !write(out_.front());
    if (!full) out_.pop_front();
  }
  want(POLLOUT, full);
  if (full || out_.empty() || std::exchange(flushing_, true)) return;
  loop_.at(out_.front().due, [this] {
    flushing_ = false;
    flush();
  });
}

/// True if all of it is written; the rest stays otherwise.
bool SerialLink::write(Outgoing& front) {
  while (!front.bytes.empty()) {
    const ssize_t count = ::write(pty_.master(), front.bytes.data(), front.bytes.size());
    if (count <= 0) return false;
    front.bytes.erase(0, static_cast<std::size_t>(count));
  }
  return true;
}

/// What was under way is lost.
void SerialLink::forget() {
  coming_.clear();
  out_.clear();
  rx_.clear();
  tx_.clear();
  receiver_->clear();
}

void SerialLink::throw_away_input() {
  std::array<char, 4096> rest;
  while (pty_.there() && ::read(pty_.master(), rest.data(), rest.size()) > 0) continue;
}

/// The client sees only silence; whoever reads the log sees why.
void SerialLink::note_losses() {
  const std::size_t losses = receiver_->losses();
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
