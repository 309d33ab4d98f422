// SPDX-License-Identifier: Apache-2.0
// UDP (smp.md 2.4): a packet is a datagram, on the loopback addresses of IPv4 and IPv6. What is too long for the
// network or the child's buffer is lost without a word. Used by the child as its link.
#pragma once

#include <sys/socket.h>

#include <vector>

#include "link.hpp"

namespace smp_child {

class UdpLink : public Link {
 public:
  UdpLink(const LinkOptions& options, Loop& loop, Record& record, OnPacket on_packet)
      : options_(options), loop_(loop), record_(record), on_packet_(std::move(on_packet)), port_(*options.udp) {}
  ~UdpLink() override { vanish(); }

  void appear() override;
  void vanish() override;
  [[nodiscard]] std::string where() const override { return "127.0.0.1:" + std::to_string(port_); }
  void set_deaf(bool deaf) override;
  void set_bootloader(bool) override {}
  void send(const Packet& packet) override;
  void send_text(std::string_view) override {}
  [[nodiscard]] bool sending() const override { return false; }
  [[nodiscard]] std::uint64_t received() const override { return received_; }

 private:
  /// Who sent something: an address, and the socket of its family.
  struct Peer {
    int socket;
    sockaddr_storage address;
    socklen_t size;
    bool operator==(const Peer& other) const;
  };

  bool bind_both();
  bool read_one(int socket);
  std::size_t number_of(const Peer& peer);
  void lose(std::string_view why);

  const LinkOptions& options_;
  Loop& loop_;
  Record& record_;
  OnPacket on_packet_;
  std::uint16_t port_;
  Fd four_, six_;
  std::vector<Peer> peers_;
  bool deaf_ = false;
  std::uint64_t received_ = 0;
};

}  // namespace smp_child
