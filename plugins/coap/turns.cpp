// SPDX-License-Identifier: Apache-2.0
#include "coap/turns.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hg::coap {
namespace asio = boost::asio;

asio::awaitable<Result<std::shared_ptr<void>>> Turns::take(plugin::SteadyTime deadline) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (!is_taken_) {
    is_taken_ = true;
    co_return turn();
  }
  Waiter waiter{asio::steady_timer(executor_, deadline)};
  waiters_.push_back(&waiter);
  // Also if the coroutine is destroyed where it waits.
  const std::shared_ptr<void> leaves(this, [&waiter](Turns* self) { self->waiters_.remove(&waiter); });
  co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (waiter.has_turn) co_return turn();
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return Error{Errc::cancelled, "cancelled"};
  co_return Error{Errc::timed_out, "the child was busy with other requests"};
}

std::shared_ptr<void> Turns::turn() {
  return {this, [](Turns* self) { self->pass_on(); }};
}

void Turns::pass_on() {
  if (waiters_.empty()) {
    is_taken_ = false;
    return;
  }
  Waiter* next = waiters_.front();
  waiters_.pop_front();
  next->has_turn = true;
  next->timer.cancel();
}

}  // namespace hg::coap
