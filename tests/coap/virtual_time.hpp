// SPDX-License-Identifier: Apache-2.0
// Time that passes only when nothing else can happen, so that tests of minutes and days take no time and always go the
// same way: a coap::Clock whose bells are rung by the loop below.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>

#include "coap/clock.hpp"

namespace hg::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using coap::Milliseconds;
using plugin::SteadyTime;

class VirtualTime : public coap::Clock {
 public:
  asio::io_context io;

  [[nodiscard]] SteadyTime now() const override { return now_; }
  [[nodiscard]] std::shared_ptr<coap::Bell> make_bell() override { return std::make_shared<TimedBell>(*this); }

  /// Calls it then.
  void after(Milliseconds time, std::function<void()> call) { calls_.emplace(now_ + time, std::move(call)); }

  /// Until `fact` holds; an hour and a day of virtual time are nothing, a week is a hanging test.
  void until(const std::function<bool()>& fact) {
    const SteadyTime end = now_ + std::chrono::hours{24 * 6};
    for (;;) {
      settle();
      if (fact()) return;
      if (!step() || now_ > end) throw std::runtime_error("nothing happens any more, and the test waits");
    }
  }
  /// Lets that much time pass.
  void pass(Milliseconds time) {
    bool is_over = false;
    after(time, [&] { is_over = true; });
    until([&] { return is_over; });
  }
  /// Whatever is ready.
  void settle() {
    io.restart();
    while (io.poll() != 0) io.restart();
  }

  template <class T>
  T wait(asio::awaitable<T> task) {
    std::optional<T> result;
    start<T>(std::move(task), [&](T value) { result = std::move(value); });
    until([&] { return result.has_value(); });
    return std::move(*result);
  }
  /// As the SDK's lane runs steps: nothing throws on cancellation.
  template <class T>
  void start(asio::awaitable<T> task, std::function<void(T)> done, asio::cancellation_slot slot = {}) {
    const auto end = [done](const std::exception_ptr& thrown, std::optional<T> value) {
      if (thrown) std::rethrow_exception(thrown);
      done(std::move(*value));
    };
    asio::co_spawn(io, carried<T>(std::move(task)), asio::bind_cancellation_slot(slot, end));
  }

 private:
  class TimedBell final : public coap::Bell {
   public:
    explicit TimedBell(VirtualTime& time) : time_(&time), timer_(time.io) {}
    asio::awaitable<void> wait_until(SteadyTime until) override {
      if (!rang_ && until > time_->now_) {
        timer_.expires_at(SteadyTime::max());
        const auto at = time_->waiting_.emplace(until, this);
        co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
        time_->waiting_.erase(at);
      }
      rang_ = false;
    }
    void ring() override {
      rang_ = true;
      timer_.cancel();
    }
    void wake() { timer_.cancel(); }

   private:
    VirtualTime* time_;
    asio::steady_timer timer_;
    bool rang_ = false;
  };

  template <class T>
  static asio::awaitable<std::optional<T>> carried(asio::awaitable<T> task) {
    co_await asio::this_coro::throw_if_cancelled(false);
    T value = co_await std::move(task);
    co_return std::optional<T>(std::move(value));
  }

  /// To the next moment at which something is due.
  bool step() {
    SteadyTime next = SteadyTime::max();
    if (!waiting_.empty()) next = waiting_.begin()->first;
    if (!calls_.empty()) next = std::min(next, calls_.begin()->first);
    if (next == SteadyTime::max()) return false;
    now_ = std::max(now_, next);
    for (const auto& [due, bell] : waiting_) {
      if (due <= now_) bell->wake();
    }
    while (!calls_.empty() && calls_.begin()->first <= now_) {
      const auto call = std::move(calls_.begin()->second);
      calls_.erase(calls_.begin());
      call();
    }
    return true;
  }

  SteadyTime now_{std::chrono::hours{24 * 365}};
  std::multimap<SteadyTime, TimedBell*> waiting_;
  std::multimap<SteadyTime, std::function<void()>> calls_;
};

}  // namespace hg::test
