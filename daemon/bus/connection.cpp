// SPDX-License-Identifier: Apache-2.0
#include "bus/connection.hpp"

#include <poll.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hg::bus {
namespace asio = boost::asio;

struct Awaited {
  explicit Awaited(const asio::any_io_executor& executor) : arrived(executor, asio::steady_timer::time_point::max()) {}
  asio::steady_timer arrived;
  Message reply;
};

namespace {

// Messages handled before others on the loop get their turn.
constexpr int kMessagesPerRun = 64;

int on_reply(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  auto& awaited = **static_cast<std::shared_ptr<Awaited>*>(userdata);
  awaited.reply = share(reply);
  awaited.arrived.cancel();
  return 1;
}

// sd-bus forgets the call: it was answered, or the connection is being destroyed.
void forget(void* userdata) {
  const std::unique_ptr<std::shared_ptr<Awaited>> awaited{static_cast<std::shared_ptr<Awaited>*>(userdata)};
  (*awaited)->arrived.cancel();
}

}  // namespace

Pump::Pump(asio::any_io_executor executor, sd_bus* bus, Lost lost)
    : executor_(std::move(executor)),
      bus_(bus),
      lost_(std::move(lost)),
      socket_(executor_, ::dup(sd_bus_get_fd(bus))),
      deadline_(executor_) {}

void Pump::kick() {
  if (kicked_ || bus_ == nullptr) return;
  kicked_ = true;
  asio::post(executor_, [self = shared_from_this()] {
    self->kicked_ = false;
    self->run();
  });
}

void Pump::stop() {
  bus_ = nullptr;
  lost_ = nullptr;
  deadline_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Pump::run() {
  int result = 0;
  for (int handled = 0; bus_ != nullptr; ++handled) {
    if (handled == kMessagesPerRun) return kick();
    result = sd_bus_process(bus_, nullptr);
    if (result <= 0) break;
  }
  if (bus_ == nullptr) return;
  if (result >= 0) return rearm();
  const Lost lost = std::move(lost_);
  stop();
  if (lost) lost(result);
}

void Pump::rearm() {
  const int events = sd_bus_get_events(bus_);
  if (events < 0) return kick();  // closed between two calls: the next run says so
  if ((events & POLLIN) != 0) wait_for(asio::posix::descriptor_base::wait_read, reading_);
  if ((events & POLLOUT) != 0) wait_for(asio::posix::descriptor_base::wait_write, writing_);

  std::uint64_t until_us = 0;  // CLOCK_MONOTONIC, as steady_clock is
  if (sd_bus_get_timeout(bus_, &until_us) < 0 || until_us == 0) return kick();
  if (until_us == UINT64_MAX) {
    deadline_.cancel();
    return;
  }
  deadline_.expires_at(asio::steady_timer::time_point{std::chrono::microseconds{until_us}});
  deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->run();
  });
}

void Pump::wait_for(asio::posix::descriptor_base::wait_type what, bool& waiting) {
  if (waiting) return;
  waiting = true;
  socket_.async_wait(what, [self = shared_from_this(), &waiting](const boost::system::error_code& error) {
    waiting = false;
    if (!error) self->run();
  });
}

Result<std::shared_ptr<Connection>> Connection::open(asio::any_io_executor executor, const std::string& where,
                                                     Pump::Lost lost) {
  auto bus = open_bus(where);
  if (bus.has_error()) return bus.error();
  return std::make_shared<Connection>(std::move(executor), std::move(bus).value(), std::move(lost));
}

Connection::Connection(asio::any_io_executor executor, BusHandle bus, Pump::Lost lost)
    : executor_(executor),
      bus_(std::move(bus)),
      pump_(std::make_shared<Pump>(std::move(executor), bus_.get(), std::move(lost))) {
  pump_->kick();
}

Connection::~Connection() {
  close();
}

void Connection::close() {
  pump_->stop();
  sd_bus_close(bus_.get());
  for (const auto& awaited : waiting_) awaited->arrived.cancel();
}

Result<Message> Connection::make_call(const char* name, const char* path, const char* interface,
                                      const char* member) const {
  sd_bus_message* raw = nullptr;
  const int result = sd_bus_message_new_method_call(bus_.get(), &raw, name, path, interface, member);
  if (result < 0) return from_errno(-result, member);
  return Message{raw};
}

asio::awaitable<Result<Message>> Connection::call(Message message, Duration timeout) {
  const auto timeout_us = std::chrono::duration_cast<std::chrono::microseconds>(timeout).count();
  const auto awaited = std::make_shared<Awaited>(executor_);
  auto held = std::make_unique<std::shared_ptr<Awaited>>(awaited);
  sd_bus_slot* raw = nullptr;
  const int result =
      sd_bus_call_async(bus_.get(), &raw, message.get(), on_reply, held.get(), static_cast<std::uint64_t>(timeout_us));
  if (result < 0) co_return from_errno(-result, "send D-Bus call");
  sd_bus_slot_set_destroy_callback(raw, forget);
  held.release();
  sd_bus_slot_set_floating(raw, 1);  // lives until the reply or the end of the connection
  sd_bus_slot_unref(raw);
  pump_->kick();

  waiting_.insert(awaited);
  co_await awaited->arrived.async_wait(asio::as_tuple(asio::use_awaitable));
  waiting_.erase(awaited);
  if (!awaited->reply) co_return Error{Errc::cancelled, "D-Bus connection closed"};
  co_return std::move(awaited->reply);
}

}  // namespace hg::bus
