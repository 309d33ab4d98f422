// SPDX-License-Identifier: Apache-2.0
#include "udp_link.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace smp_child {
namespace {

constexpr std::size_t kMtu = 1500;
constexpr std::size_t kFourOverhead = 20 + 8, kSixOverhead = 40 + 8;
constexpr int kTries = 20;
constexpr std::size_t kMaxPeers = 64;

template <typename Address>
Fd bound(const Address& address) {
  const int family = reinterpret_cast<const sockaddr&>(address).sa_family;
  Fd socket(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return socket;
}

Fd bound_four(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bound(address);
}

Fd bound_six(std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  return bound(address);
}

std::uint16_t port_of(const Fd& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  check(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return ntohs(address.sin_port);
}

/// The longest datagram that passes without fragments (smp.md 2.4).
std::size_t longest(sa_family_t family) {
  return kMtu - (family == AF_INET ? kFourOverhead : kSixOverhead);
}

}  // namespace

bool UdpLink::Peer::operator==(const Peer& other) const {
  return socket == other.socket && size == other.size && std::memcmp(&address, &other.address, size) == 0;
}

void UdpLink::appear() {
  if (four_.get() >= 0) return;
  const int tries = port_ == 0 ? kTries : 1;
  for (int i = 0; i < tries; ++i) {
    if (bind_both()) return;
  }
  throw std::system_error(errno, std::generic_category(), "UDP port " + std::to_string(port_));
}

/// The same port in both families; port 0 takes any. A machine without IPv6 has only the one.
bool UdpLink::bind_both() {
  four_ = bound_four(port_);
  if (four_.get() < 0) return false;
  const std::uint16_t port = port_of(four_);
  six_ = bound_six(port);
  if (six_.get() < 0 && errno == EADDRINUSE) {
    four_.close();
    return false;
  }
  port_ = port;
  for (const Fd* socket : {&four_, &six_}) {
    if (socket->get() < 0) continue;
    loop_.watch(socket->get(), POLLIN, [this, fd = socket->get()](short) {
      while (read_one(fd)) continue;
    });
  }
  return true;
}

void UdpLink::vanish() {
  for (Fd* socket : {&four_, &six_}) {
    if (socket->get() < 0) continue;
    loop_.unwatch(socket->get());
    socket->close();
  }
}

/// What came before is thrown away when hearing begins again.
void UdpLink::set_deaf(bool deaf) {
  deaf_ = true;
  for (const Fd* socket : {&four_, &six_}) {
    while (socket->get() >= 0 && read_one(socket->get())) continue;
  }
  deaf_ = deaf;
}

void UdpLink::send(const Packet& packet) {
  const Peer& peer = peers_.at(packet.peer);
  if (packet.bytes.size() > longest(peer.address.ss_family)) return lose("answer too long for the network (EMSGSIZE)");
  ::sendto(peer.socket, packet.bytes.data(), packet.bytes.size(), 0, reinterpret_cast<const sockaddr*>(&peer.address),
           peer.size);
}

/// Takes one datagram; false when there is none.
bool UdpLink::read_one(int socket) {
  static std::array<std::uint8_t, 65536> buffer;
  Peer peer{socket, {}, sizeof(sockaddr_storage)};
  const ssize_t count =
      ::recvfrom(socket, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&peer.address), &peer.size);
  if (count < 0) return false;
  const auto size = static_cast<std::size_t>(count);
  received_ += size;
  if (deaf_) return true;
  if (size > longest(peer.address.ss_family)) {
    lose("datagram in fragments");
  } else if (size > options_.buf_size) {
    lose("datagram longer than the buffer");
  } else {
    on_packet_({Bytes(buffer.begin(), buffer.begin() + count), number_of(peer)});
  }
  return socket == four_.get() || socket == six_.get();  // it may have vanished
}

std::size_t UdpLink::number_of(const Peer& peer) {
  const auto known = std::find(peers_.begin(), peers_.end(), peer);
  if (known != peers_.end()) return static_cast<std::size_t>(known - peers_.begin());
  if (peers_.size() == kMaxPeers) peers_.pop_back();
  peers_.push_back(peer);
  return peers_.size() - 1;
}

void UdpLink::lose(std::string_view why) {
  record_.count("link_drops");
  record_.event("link: lost: " + std::string(why));
}

}  // namespace smp_child
