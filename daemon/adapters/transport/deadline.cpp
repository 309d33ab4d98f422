// SPDX-License-Identifier: Apache-2.0
#include "adapters/transport/deadline.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

namespace hg::transport {
namespace asio = boost::asio;

struct Deadline::Wait {
  std::function<void()> expired;  // empty: called off
  asio::cancellation_signal stop;

  static asio::awaitable<void> run(std::shared_ptr<Wait> wait, ports::Clock* clock, Duration after) {
    if (!wait->expired) co_return;
    const auto slept = co_await clock->sleep_for(after);
    if (!slept || !wait->expired) co_return;
    const auto expired = std::exchange(wait->expired, nullptr);
    expired();
  }
};

Deadline::Deadline(const asio::any_io_executor& executor, ports::Clock& clock, Duration after,
                   std::function<void()> expired)
    : wait_(std::make_shared<Wait>()) {
  wait_->expired = std::move(expired);
  const auto keep_signal = [wait = wait_](const std::exception_ptr&) {};  // until nothing refers to its slot
  asio::co_spawn(executor, Wait::run(wait_, &clock, after),
                 asio::bind_cancellation_slot(wait_->stop.slot(), keep_signal));
}

Deadline::~Deadline() {
  wait_->expired = nullptr;
  wait_->stop.emit(asio::cancellation_type::terminal);
}

}  // namespace hg::transport
