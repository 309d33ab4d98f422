// SPDX-License-Identifier: Apache-2.0
#include "seqpacket_link.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace smp_child {
namespace {

constexpr int kBacklog = 4;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::invalid_argument("too long for a socket: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace

void SeqpacketLink::appear() {
  there_ = true;
  if (!deaf_) listen();
}

void SeqpacketLink::vanish() {
  there_ = false;
  close();
}

void SeqpacketLink::set_deaf(bool deaf) {
  deaf_ = deaf;
  if (deaf) {
    close();
  } else if (there_) {
    listen();
  }
}

/// The path is there only while a client can connect: whoever watches the directory sees the child come back.
void SeqpacketLink::listen() {
  if (listener_.get() >= 0) return;
  const std::string unready = options_.seqpacket + ".new";
  const sockaddr_un address = address_of(unready);
  ::unlink(unready.c_str());
  listener_ = Fd::checked(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  check(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, unready);
  check(::listen(listener_.get(), kBacklog) == 0, unready);
  check(::rename(unready.c_str(), options_.seqpacket.c_str()) == 0, options_.seqpacket);
  loop_.watch(listener_.get(), POLLIN, [this](short) { take_client(); });
}

/// The listener first: a client that sees its connection end must not get another one.
void SeqpacketLink::close() {
  if (listener_.get() < 0) return;
  ::unlink(options_.seqpacket.c_str());
  loop_.unwatch(listener_.get());
  listener_.close();
  drop_client();
}

/// One at a time: the next waits until this one is gone.
void SeqpacketLink::take_client() {
  client_ = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (client_.get() < 0) return;
  ++clients_;
  loop_.set_events(listener_.get(), 0);
  loop_.watch(client_.get(), POLLIN, [this](short) {
    while (read_one()) continue;
  });
}

void SeqpacketLink::drop_client() {
  if (client_.get() < 0) return;
  loop_.unwatch(client_.get());
  client_.close();
  if (listener_.get() >= 0) loop_.set_events(listener_.get(), POLLIN);
}

/// Takes one message; false when there is none, or no client any more.
bool SeqpacketLink::read_one() {
  static std::array<std::uint8_t, 65536> buffer;
  const ssize_t count = ::recv(client_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (count <= 0) {
    drop_client();
    on_closed();
    return false;
  }
  const auto size = static_cast<std::size_t>(count);
  received_ += size;
  if (size > options_.buf_size || size > buffer.size()) {
    lose("packet longer than the buffer");
  } else {
    on_packet_({Bytes(buffer.begin(), buffer.begin() + count), clients_});
  }
  return client_.get() >= 0;  // it may be gone
}

/// What is for a client that has gone, or that does not read, is lost.
void SeqpacketLink::send(const Packet& packet) {
  if (client_.get() < 0 || packet.peer != clients_) return lose("answer to a client that is gone");
  const ssize_t sent = ::send(client_.get(), packet.bytes.data(), packet.bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) lose("answer that nobody reads");
}

void SeqpacketLink::lose(std::string_view why) {
  record_.count("link_drops");
  record_.event("link: lost: " + std::string(why));
}

}  // namespace smp_child
