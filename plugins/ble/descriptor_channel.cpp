// SPDX-License-Identifier: Apache-2.0
#include "ble/descriptor_channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "smp/clock.hpp"

namespace hg::ble {
namespace asio = boost::asio;
namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

/// Whether the other end is gone, behind everything that it sent.
bool is_hung_up(int socket) {
  pollfd look{socket, POLLRDHUP, 0};
  return ::poll(&look, 1, 0) != 0;
}

class DescriptorChannel final : public Channel, public std::enable_shared_from_this<DescriptorChannel> {
 public:
  DescriptorChannel(const asio::any_io_executor& executor, Acquired write, Acquired notify)
      : writing_(executor, write.socket.release()),
        notifying_(executor, notify.socket.release()),
        write_timer_(executor),
        fragment_(fragment_of(write.mtu)) {}

  /// Nothing is ever read from the socket that is written to but its end, which nobody else would notice while the
  /// other one stays open.
  void watch();

  asio::awaitable<Result<void>> write(ByteView packet, plugin::SteadyTime deadline) override;
  asio::awaitable<Result<Bytes>> receive() override;
  [[nodiscard]] std::size_t fragment() const override { return fragment_; }
  void close() override;

 private:
  asio::awaitable<Result<void>> wait_for_room(plugin::SteadyTime deadline);
  [[nodiscard]] static Error gone() { return Error{Errc::unavailable, "the connection is gone"}; }

  asio::posix::stream_descriptor writing_;
  asio::posix::stream_descriptor notifying_;
  asio::steady_timer write_timer_;
  std::size_t fragment_;
};

void DescriptorChannel::watch() {
  const auto look = [weak = weak_from_this()](boost::system::error_code failure) {
    const auto self = weak.lock();
    if (!failure && self && is_hung_up(self->writing_.native_handle())) self->close();
  };
  writing_.async_wait(asio::posix::descriptor_base::wait_read, look);
}

void DescriptorChannel::close() {
  boost::system::error_code ignored;
  writing_.close(ignored);
  notifying_.close(ignored);
  write_timer_.cancel();
}

// ---------------------------------------------------------------------------------------------------------- writing

asio::awaitable<Result<void>> DescriptorChannel::write(ByteView packet, plugin::SteadyTime deadline) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  while (!packet.empty()) {
    if (!writing_.is_open()) co_return gone();
    const std::size_t size = std::min(packet.size(), fragment_);
    const ssize_t sent = ::send(writing_.native_handle(), packet.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    const int failure = sent < 0 ? errno : 0;
    if (failure == 0) {
      packet = packet.subspan(size);
    } else if (failure == EAGAIN || failure == EWOULDBLOCK) {
      auto room = co_await wait_for_room(deadline);
      if (!room) {
        close();
        co_return room;
      }
    } else if (failure != EINTR) {
      close();
      co_return gone();
    }
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> DescriptorChannel::wait_for_room(plugin::SteadyTime deadline) {
  write_timer_.expires_at(deadline);
  const auto wake = [self = shared_from_this()](boost::system::error_code) { self->write_timer_.cancel(); };
  writing_.async_wait(asio::posix::descriptor_base::wait_write, wake);
  co_await write_timer_.async_wait(kToken);
  const bool is_cancelled = co_await smp::was_cancelled();
  if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  if (!writing_.is_open()) co_return gone();
  if (std::chrono::steady_clock::now() >= deadline) co_return Error{Errc::timed_out, "the link takes no bytes"};
  co_return Result<void>{};
}

// -------------------------------------------------------------------------------------------------------- receiving

asio::awaitable<Result<Bytes>> DescriptorChannel::receive() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  std::array<std::uint8_t, kLongestValue> buffer{};
  while (notifying_.is_open()) {
    const ssize_t got = ::recv(notifying_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
    const int failure = got < 0 ? errno : 0;
    const auto size = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    if (size >= 1 && size <= buffer.size()) co_return Bytes(buffer.begin(), buffer.begin() + got);
    const bool is_nothing_yet = failure == EAGAIN || failure == EWOULDBLOCK || failure == EINTR;
    // An empty value reads like the end; one that is too long is none.
    if (!is_nothing_yet && (got < 0 || (got == 0 && is_hung_up(notifying_.native_handle())))) break;
    co_await notifying_.async_wait(asio::posix::descriptor_base::wait_read, kToken);
    const bool is_cancelled = co_await smp::was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  }
  close();
  co_return gone();
}

}  // namespace

std::shared_ptr<Channel> make_descriptor_channel(const asio::any_io_executor& executor, Acquired write,
                                                 Acquired notify) {
  auto channel = std::make_shared<DescriptorChannel>(executor, std::move(write), std::move(notify));
  channel->watch();
  return channel;
}

}  // namespace hg::ble
