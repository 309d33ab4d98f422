// SPDX-License-Identifier: Apache-2.0
// The clock of the service on a fleet's Timeline: it sleeps among all else that happens, and is told what the wall
// clock says. Whoever wakes it runs its loop.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "ports/clock.hpp"
#include "sim/timeline.hpp"

namespace hg::sim {

class TimelineClock final : public ports::Clock {
 public:
  /// `run` lets the loop of whoever sleeps run dry.
  TimelineClock(Timeline& time, std::function<void()> run) : time_(time), run_(std::move(run)) {}

  [[nodiscard]] Instant now() const override { return time_.wall(); }

  [[nodiscard]] boost::asio::awaitable<Result<void>> sleep_for(Duration duration) override {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                    boost::asio::steady_timer::time_point::max());
    const Sleep sleep(timer);
    time_.after(std::max(duration, Duration{0}), [this, bed = sleep.bed] {
      if (bed->timer == nullptr) return;
      bed->is_due = true;
      bed->timer->cancel();
      run_();
    });
    boost::system::error_code ignored;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (sleep.bed->is_due && state.cancelled() == boost::asio::cancellation_type::none) co_return Result<void>{};
    co_return Error{Errc::cancelled, "sleep cancelled"};
  }

 private:
  struct Bed {
    boost::asio::steady_timer* timer = nullptr;  // null: whoever slept is gone
    bool is_due = false;
  };
  struct Sleep {
    explicit Sleep(boost::asio::steady_timer& timer) : bed(std::make_shared<Bed>(&timer)) {}
    Sleep(const Sleep&) = delete;
    Sleep& operator=(const Sleep&) = delete;
    ~Sleep() { bed->timer = nullptr; }
    std::shared_ptr<Bed> bed;
  };

  Timeline& time_;
  std::function<void()> run_;
};

}  // namespace hg::sim
