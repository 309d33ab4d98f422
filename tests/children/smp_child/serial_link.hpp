// SPDX-License-Identifier: Apache-2.0
// The serial line: reads the pty, through the wire and its framing, to packets; writes answers; both at the rate of
// the line, with noise if wanted. Used by the child as its link.
#pragma once

#include <deque>
#include <string>

#include "link.hpp"
#include "pty.hpp"
#include "receiver.hpp"
#include "wire.hpp"

namespace smp_child {

class SerialLink : public Link {
 public:
  SerialLink(const Options& options, Loop& loop, Record& record, OnPacket on_packet);

  void appear() override;
  void vanish() override;
  [[nodiscard]] std::string where() const override { return pty_.path(); }
  void set_deaf(bool deaf) override;
  void set_bootloader(bool bootloader) override { receiver_->set_bootloader(bootloader); }
  void send(const Packet& packet) override;
  void send_text(std::string_view text) override;
  [[nodiscard]] bool sending() const override { return !out_.empty(); }
  [[nodiscard]] std::uint64_t received() const override { return received_; }

 private:
  /// Bytes on their way to the client, that have arrived there at `due`.
  struct Outgoing {
    Clock::time_point due;
    std::string bytes;
  };

  void on_ready(short revents);
  void read();
  void deliver();
  void put(std::string_view bytes);
  void flush();
  bool write(Outgoing& front);
  void forget();
  void throw_away_input();
  void note_losses();
  void want(short event, bool wanted);

  const LinkOptions& options_;
  Loop& loop_;
  Record& record_;
  Pty pty_;
  Wire rx_, tx_;
  std::unique_ptr<Receiver> receiver_;
  std::string coming_;  // read, and still on the wire
  std::deque<Outgoing> out_;
  short events_ = 0;
  bool deaf_ = false;
  bool delivering_ = false;  // a timer will deliver
  bool flushing_ = false;    // a timer will flush
  std::uint64_t received_ = 0;
  std::size_t losses_ = 0;  // noted so far
};

}  // namespace smp_child
