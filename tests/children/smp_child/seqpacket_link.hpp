// SPDX-License-Identifier: Apache-2.0
// A SOCK_SEQPACKET socket, for what carries packets to a child in a way of its own (GATT: smp_gatt.py): one message is
// one packet each way. A reset closes the connection, as it drops a radio link. Used by the child as its link.
#pragma once

#include "link.hpp"

namespace smp_child {

class SeqpacketLink : public Link {
 public:
  SeqpacketLink(const LinkOptions& options, Loop& loop, Record& record, OnPacket on_packet)
      : options_(options), loop_(loop), record_(record), on_packet_(std::move(on_packet)) {}
  ~SeqpacketLink() override { close(); }

  void appear() override;
  void vanish() override;
  [[nodiscard]] std::string where() const override { return options_.seqpacket; }
  void set_deaf(bool deaf) override;
  void set_bootloader(bool) override {}
  void send(const Packet& packet) override;
  void send_text(std::string_view) override {}
  [[nodiscard]] bool sending() const override { return false; }
  [[nodiscard]] std::uint64_t received() const override { return received_; }

 private:
  void listen();
  void close();
  void take_client();
  void drop_client();
  bool read_one();
  void lose(std::string_view why);

  const LinkOptions& options_;
  Loop& loop_;
  Record& record_;
  OnPacket on_packet_;
  Fd listener_, client_;
  std::size_t clients_ = 0;  // so far; the number of the one that is there
  bool there_ = false;
  bool deaf_ = true;
  std::uint64_t received_ = 0;
};

}  // namespace smp_child
