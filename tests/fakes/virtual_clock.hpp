// SPDX-License-Identifier: Apache-2.0
// Time for tests: it stands still while anybody has something to do and then jumps to the next deadline, so that a
// day of waiting costs nothing and every run is the same. It drives one io_context on the calling thread; work on
// pool threads is invisible to it, so it is for loops whose adapters are fakes. Used by service and simulation tests.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "ports/clock.hpp"

namespace hg::fakes {

class VirtualClock final : public ports::Clock {
 public:
  explicit VirtualClock(Instant start = Instant{std::chrono::hours{24 * 365 * 56}}) : civil_at_zero_(start) {}
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  [[nodiscard]] Instant now() const override { return civil_at_zero_ + elapsed_; }

  [[nodiscard]] boost::asio::awaitable<Result<void>> sleep_for(Duration duration) override {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                    boost::asio::steady_timer::time_point::max());
    Sleeper sleeper{*this, timer, elapsed_ + std::max(duration, Duration::zero())};
    boost::system::error_code ignored;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (sleeper.due && state.cancelled() == boost::asio::cancellation_type::none) co_return Result<void>{};
    co_return Error{Errc::cancelled, "sleep cancelled"};
  }

  /// Steady time since the clock was made.
  [[nodiscard]] Duration elapsed() const { return elapsed_; }
  /// How many coroutines sleep now.
  [[nodiscard]] std::size_t sleepers() const { return sleepers_.size(); }

  /// The machine's clock is set: deadlines of sleepers do not move.
  void set_civil_time(Instant now) { civil_at_zero_ = now - elapsed_; }

  /// Runs `loop` until nobody is ready and nobody sleeps: true. False: somebody still sleeps and no deadline is left
  /// within `at_most` of now, the bound that a test sets on "for ever".
  bool run_until_idle(boost::asio::io_context& loop, Duration at_most = std::chrono::hours{24 * 365}) {
    return run_until(
               loop, [] { return false; }, at_most) ||
           sleepers_.empty();
  }

  /// Runs `loop` until `reached()`, which is asked whenever nobody is ready. False when that did not come within
  /// `at_most`, or nothing is left that could bring it.
  bool run_until(boost::asio::io_context& loop, const std::function<bool()>& reached,
                 Duration at_most = std::chrono::hours{24 * 365}) {
    const Duration end = elapsed_ + at_most;
    for (;;) {
      poll_dry(loop);
      if (reached()) return true;
      if (sleepers_.empty() || sleepers_.begin()->first.first > end) return false;
      wake_next();
    }
  }

  /// Lets exactly `duration` pass.
  void advance(boost::asio::io_context& loop, Duration duration) {
    const Duration end = elapsed_ + duration;
    run_until(
        loop, [] { return false; }, duration);
    elapsed_ = end;
  }

  /// Runs what is ready without letting time pass.
  static void poll_dry(boost::asio::io_context& loop) {
    do {
      loop.restart();
    } while (loop.poll() > 0);
  }

 private:
  using Key = std::pair<Duration, std::uint64_t>;  // deadline, then order of going to sleep

  struct Sleeper {
    Sleeper(VirtualClock& owner, boost::asio::steady_timer& its_timer, Duration deadline)
        : clock(owner), timer(its_timer), key(deadline, ++owner.last_order_) {
      clock.sleepers_.emplace(key, this);
    }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;
    ~Sleeper() { clock.sleepers_.erase(key); }

    VirtualClock& clock;
    boost::asio::steady_timer& timer;
    Key key;
    bool due = false;
  };

  /// Jumps to the next deadline and wakes everybody who waits for it, in the order in which they went to sleep.
  void wake_next() {
    elapsed_ = std::max(elapsed_, sleepers_.begin()->first.first);
    while (!sleepers_.empty() && sleepers_.begin()->first.first <= elapsed_) {
      Sleeper& sleeper = *sleepers_.begin()->second;
      sleepers_.erase(sleepers_.begin());
      sleeper.due = true;
      sleeper.timer.cancel();
    }
  }

  Instant civil_at_zero_;
  Duration elapsed_{0};
  std::uint64_t last_order_ = 0;
  std::map<Key, Sleeper*> sleepers_;
};

}  // namespace hg::fakes
