// SPDX-License-Identifier: Apache-2.0
#include "coap/clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace hg::coap {
namespace asio = boost::asio;
namespace {

class TimerBell final : public Bell {
 public:
  explicit TimerBell(const asio::any_io_executor& executor) : timer_(executor) {}

  asio::awaitable<void> wait_until(SteadyTime time) override {
    if (!rang_) {
      timer_.expires_at(time);
      co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    rang_ = false;
  }
  void ring() override {
    rang_ = true;
    timer_.cancel();
  }

 private:
  asio::steady_timer timer_;
  bool rang_ = false;
};

class SteadyClock final : public Clock {
 public:
  explicit SteadyClock(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  [[nodiscard]] SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::shared_ptr<Bell> make_bell() override { return std::make_shared<TimerBell>(executor_); }

 private:
  asio::any_io_executor executor_;
};

}  // namespace

std::shared_ptr<Clock> steady_clock(asio::any_io_executor executor) {
  return std::make_shared<SteadyClock>(std::move(executor));
}

asio::awaitable<bool> was_cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace hg::coap
