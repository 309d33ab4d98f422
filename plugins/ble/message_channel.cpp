// SPDX-License-Identifier: Apache-2.0
#include "ble/message_channel.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <utility>

#include "smp/clock.hpp"

namespace hg::ble {
namespace asio = boost::asio;
namespace {

/// Notifications that came and were not read yet: the longest answer in the smallest fragments, several times.
constexpr std::size_t kMostUnread = 1024;

class MessageChannel final : public Channel, public std::enable_shared_from_this<MessageChannel> {
 public:
  MessageChannel(const asio::any_io_executor& executor, std::shared_ptr<Bluez> bluez, std::string characteristic,
                 std::size_t fragment)
      : bluez_(std::move(bluez)),
        characteristic_(std::move(characteristic)),
        fragment_(fragment),
        arrived_(executor, plugin::SteadyTime::max()) {}
  ~MessageChannel() override { end(); }

  /// Closes it when bluetoothd no longer shows the characteristic or its device as connected. Does not keep it.
  static asio::awaitable<void> watch(std::weak_ptr<MessageChannel> weak, std::shared_ptr<Bluez> bluez);
  void put(ByteView value);

  asio::awaitable<Result<void>> write(ByteView packet, plugin::SteadyTime deadline) override;
  asio::awaitable<Result<Bytes>> receive() override;
  [[nodiscard]] std::size_t fragment() const override { return fragment_; }
  void close() override { end(); }

 private:
  [[nodiscard]] bool is_connected() const;
  void end();

  std::shared_ptr<Bluez> bluez_;
  std::string characteristic_;  // its path
  std::size_t fragment_;
  std::deque<Bytes> unread_;
  asio::steady_timer arrived_;  // receive() waits on it
  bool is_open_ = true;
};

bool MessageChannel::is_connected() const {
  const Objects& objects = bluez_->objects();
  if (objects.characteristic(characteristic_) == nullptr) return false;
  const DeviceSeen* device = objects.device(device_path_of(characteristic_));
  return device != nullptr && device->connected;
}

asio::awaitable<void> MessageChannel::watch(std::weak_ptr<MessageChannel> weak, std::shared_ptr<Bluez> bluez) {
  const auto is_over = [weak] {
    const auto self = weak.lock();
    return !self || !self->is_open_ || !self->is_connected();
  };
  co_await bluez->until(is_over, plugin::SteadyTime::max());
  if (const auto self = weak.lock()) self->end();
}

void MessageChannel::put(ByteView value) {
  if (!is_open_ || value.empty() || value.size() > kLongestValue) return;
  // What is left out would be missed in the middle of a packet.
  if (unread_.size() == kMostUnread) return end();
  unread_.emplace_back(value.begin(), value.end());
  arrived_.cancel();
}

void MessageChannel::end() {
  if (!std::exchange(is_open_, false)) return;
  bluez_->stop_notify(characteristic_);
  arrived_.cancel();
}

asio::awaitable<Result<void>> MessageChannel::write(ByteView packet, plugin::SteadyTime deadline) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  while (!packet.empty()) {
    if (!is_open_) co_return Error{Errc::unavailable, "the connection is gone"};
    const ByteView next = packet.first(std::min(packet.size(), fragment_));
    Bytes value(next.begin(), next.end());
    auto written = co_await bluez_->write_value(characteristic_, std::move(value), deadline);
    if (!written) {
      end();
      const bool is_gone = written.error().code == Errc::not_found || written.error().code == Errc::io;
      if (is_gone) co_return Error{Errc::unavailable, written.error().message};
      co_return written;
    }
    packet = packet.subspan(next.size());
  }
  co_return Result<void>{};
}

asio::awaitable<Result<Bytes>> MessageChannel::receive() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  while (unread_.empty() && is_open_) {
    co_await arrived_.async_wait(asio::as_tuple(asio::use_awaitable));
    const bool is_cancelled = co_await smp::was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  }
  if (unread_.empty()) co_return Error{Errc::unavailable, "the connection is gone"};
  Bytes value = std::move(unread_.front());
  unread_.pop_front();
  co_return std::move(value);
}

}  // namespace

asio::awaitable<Result<std::shared_ptr<Channel>>> open_message_channel(asio::any_io_executor executor,
                                                                       std::shared_ptr<Bluez> bluez,
                                                                       std::string characteristic, std::uint16_t mtu,
                                                                       plugin::SteadyTime deadline) {
  const auto channel = std::make_shared<MessageChannel>(executor, bluez, characteristic, Channel::fragment_of(mtu));
  const std::weak_ptr<MessageChannel> weak = channel;
  const auto arrived = [weak](ByteView value) {
    if (const auto self = weak.lock()) self->put(value);
  };
  const Bluez::Notified notified = arrived;
  const auto started = co_await bluez->start_notify(characteristic, notified, deadline);
  if (!started) co_return started.error();
  asio::co_spawn(executor, MessageChannel::watch(weak, bluez), asio::detached);
  co_return std::shared_ptr<Channel>(channel);
}

}  // namespace hg::ble
