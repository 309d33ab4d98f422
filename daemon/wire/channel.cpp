// SPDX-License-Identifier: Apache-2.0
#include "wire/channel.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "wire/codec.hpp"
#include "wire/limits.hpp"

namespace hg::wire {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kMaxDescriptors = 4;  // more than one is wrong already; all that arrive are closed

/// Room for the descriptors of one message, aligned as the kernel wants it.
struct alignas(cmsghdr) ControlBuffer {
  std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> bytes{};
};

/// Takes ownership of every descriptor of a message and returns them.
std::vector<UniqueFd> take_descriptors(msghdr& message) {
  std::vector<UniqueFd> taken;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      taken.emplace_back(fd);
    }
  }
  return taken;
}

}  // namespace

Result<std::shared_ptr<Channel>> Channel::open(asio::any_io_executor executor, UniqueFd socket) {
  boost::system::error_code failure;
  auto channel = std::make_shared<Channel>(executor, -1);
  channel->socket_.assign(socket.get(), failure);
  if (failure) return Error{Errc::io, failure.message()}.within("plugin socket");
  static_cast<void>(socket.release());
  channel->socket_.non_blocking(true, failure);
  if (failure) return Error{Errc::io, failure.message()}.within("plugin socket");
  return channel;
}

Channel::Channel(asio::any_io_executor executor, int socket) : socket_(std::move(executor)), buffer_(kMaxFrame) {
  if (socket >= 0) socket_.assign(socket);
}

std::optional<Result<Channel::Arrival>> Channel::receive_now() {
  ControlBuffer control;
  iovec part{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  ssize_t size = -1;
  do {
    // MSG_TRUNC: the true size of a frame that does not fit.
    size = ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
  if (size < 0) return Result<Arrival>{from_errno(errno, "receive").within("plugin socket")};

  auto descriptors = take_descriptors(message);
  if (size == 0) return Result<Arrival>{Error{Errc::unavailable, "the peer closed the connection"}};
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    const std::string text = "frame of " + std::to_string(size) + " bytes, at most 16384 are allowed";
    return Result<Arrival>{Error{Errc::too_large, text}};
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0 || descriptors.size() > 1) {
    return Result<Arrival>{Error{Errc::invalid, "more descriptors than one with a frame"}};
  }
  auto frame = take_frame(static_cast<std::size_t>(size));
  if (!frame) return Result<Arrival>{frame.error()};
  Arrival arrival{std::move(*frame), {}};
  if (may_carry_descriptor(arrival.frame) && !descriptors.empty()) arrival.fd = std::move(descriptors.front());
  return Result<Arrival>{std::move(arrival)};
}

Result<Frame> Channel::take_frame(std::size_t size) {
  const auto bytes = std::span(buffer_).first(size);
  auto frame = decode(bytes);
  if (!frame || holds_secret(*frame)) wipe(bytes);  // what cannot be read may hold one as well
  return frame;
}

asio::awaitable<Result<Channel::Arrival>> Channel::receive() {
  const auto self = shared_from_this();
  for (;;) {
    // Always through the reactor, so that a peer that never stops sending does not starve the others.
    const auto [failure] =
        co_await socket_.async_wait(asio::posix::descriptor_base::wait_read, asio::as_tuple(asio::use_awaitable));
    if (failure || !is_open()) co_return Error{Errc::cancelled, "the connection was closed here"};
    if (auto arrival = receive_now()) co_return std::move(*arrival);
  }
}

Result<Channel::Outgoing> Channel::outgoing_of(const Frame& frame, UniqueFd fd) {
  auto bytes = encode(frame);
  if (!bytes) return bytes.error();
  Outgoing outgoing;
  outgoing.fd = std::move(fd);
  if (!holds_secret(frame)) {
    outgoing.bytes = std::move(*bytes);
    return outgoing;
  }
  try {
    outgoing.hidden = Secret(*bytes);
  } catch (const std::bad_alloc&) {
    wipe(*bytes);
    return Error{Errc::internal, "no memory for keys"};
  }
  wipe(*bytes);
  return outgoing;
}

Channel::Sent Channel::send_now(const Outgoing& outgoing) {
  ControlBuffer control;
  // The kernel only reads, but the interface says otherwise.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  iovec part{const_cast<std::uint8_t*>(outgoing.view().data()), outgoing.view().size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (outgoing.fd) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int));
    cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = outgoing.fd.get();
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  ssize_t size = -1;
  do {
    size = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (size < 0 && errno == EINTR);
  if (size >= 0) return Sent::yes;
  // ENOBUFS, ETOOMANYREFS: as little the peer's fault as a full buffer, but nothing would wake us.
  return errno == EAGAIN || errno == EWOULDBLOCK ? Sent::would_block : Sent::failed;
}

Result<void> Channel::send(const Frame& frame, UniqueFd fd) {
  if (!is_open()) return Error{Errc::unavailable, "the connection is closed"};
  auto outgoing = outgoing_of(frame, std::move(fd));
  if (!outgoing) return outgoing.error();
  if (queue_.empty()) {
    const Sent sent = send_now(*outgoing);
    if (sent == Sent::yes) return {};
    if (sent == Sent::failed) {
      Error error = from_errno(errno, "send");
      close();
      return Error{Errc::unavailable, std::move(error.message)};
    }
  }
  if (queue_.size() == kMaxQueuedFrames || queued_bytes_ + outgoing->view().size() > kMaxQueuedBytes) {
    close();
    return Error{Errc::unavailable, "the peer does not read"};
  }
  queued_bytes_ += outgoing->view().size();
  queue_.push_back(std::move(*outgoing));
  if (queue_.size() == 1) send_when_writable();
  return {};
}

void Channel::send_when_writable() {
  const auto wake = [weak = weak_from_this()](boost::system::error_code failure) {
    const auto self = weak.lock();
    if (self && !failure) self->flush();
  };
  socket_.async_wait(asio::posix::descriptor_base::wait_write, wake);
}

void Channel::flush() {
  while (is_open() && !queue_.empty()) {
    const Sent sent = send_now(queue_.front());
    if (sent == Sent::failed) return close();
    if (sent == Sent::would_block) return send_when_writable();
    queued_bytes_ -= queue_.front().view().size();
    queue_.pop_front();
  }
}

void Channel::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  queue_.clear();
  queued_bytes_ = 0;
}

Result<Channel::Peer> Channel::peer() {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return from_errno(errno, "credentials of the peer");
  }
  return Peer{credentials.uid, credentials.pid};
}

}  // namespace hg::wire
