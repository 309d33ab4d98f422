// SPDX-License-Identifier: Apache-2.0
#include "ble/turns.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <utility>

#include "smp/clock.hpp"

namespace hg::ble {
namespace asio = boost::asio;

/// Shared with whoever waits or has a place.
struct Turns::Places : std::enable_shared_from_this<Turns::Places> {
  struct Waiter;

  Places(asio::any_io_executor on, unsigned count) : executor(std::move(on)), free(count) {}

  std::shared_ptr<void> place() {
    return {this, [self = shared_from_this()](Places*) { self->pass_on(); }};
  }
  void pass_on();
  void close();

  asio::any_io_executor executor;
  unsigned free;
  unsigned taken = 0;
  bool is_closed = false;
  std::list<Waiter*> waiters;  // in the order of asking
};

/// Lives in the coroutine that waits, and leaves the row with it, also if that is destroyed where it waits.
struct Turns::Places::Waiter {
  Waiter(Places& row, plugin::SteadyTime deadline) : places(row), timer(row.executor, deadline) {
    places.waiters.push_back(this);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { places.waiters.remove(this); }

  Places& places;
  asio::steady_timer timer;
  std::shared_ptr<void> place;  // what it waits for
};

void Turns::Places::pass_on() {
  --taken;
  ++free;
  if (waiters.empty()) return;
  Waiter* next = waiters.front();
  waiters.pop_front();
  --free;
  ++taken;
  next->place = place();
  next->timer.cancel();
}

void Turns::Places::close() {
  is_closed = true;
  for (Waiter* waiter : std::exchange(waiters, {})) waiter->timer.cancel();
}

Turns::Turns(asio::any_io_executor executor, unsigned places)
    : places_(std::make_shared<Places>(std::move(executor), places)) {}

Turns::~Turns() {
  places_->close();
}

unsigned Turns::taken() const {
  return places_->taken;
}

unsigned Turns::waiting() const {
  return static_cast<unsigned>(places_->waiters.size());
}

asio::awaitable<Result<std::shared_ptr<void>>> Turns::take(plugin::SteadyTime deadline) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::shared_ptr<Places> places = places_;  // this may go while it waits
  if (places->free > 0) {
    --places->free;
    ++places->taken;
    co_return places->place();
  }
  Places::Waiter waiter(*places, deadline);
  co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  const bool is_cancelled = co_await smp::was_cancelled();
  if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  if (waiter.place) co_return std::move(waiter.place);
  if (places->is_closed) co_return Error{Errc::unavailable, "there are no places any more"};
  co_return Error{Errc::timed_out, "all places were taken until the deadline"};
}

}  // namespace hg::ble
