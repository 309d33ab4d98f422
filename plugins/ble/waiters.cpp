// SPDX-License-Identifier: Apache-2.0
#include "ble/waiters.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

namespace hg::ble {
namespace asio = boost::asio;

struct Waiters::Waiter {
  std::function<bool()> holds;
  asio::steady_timer woken;
  bool looked = false;  ///< it held at a look()
  std::optional<Error> ended{};
};

asio::awaitable<Result<void>> Waiters::until(std::function<bool()> holds, plugin::SteadyTime deadline) {
  if (holds()) co_return Result<void>{};
  const auto waiter = std::make_shared<Waiter>(Waiter{std::move(holds), asio::steady_timer(executor_)});
  waiting_.push_back(waiter);
  for (;;) {
    waiter->looked = false;
    waiter->woken.expires_at(deadline);
    const auto [failure] = co_await waiter->woken.async_wait(asio::as_tuple(asio::use_awaitable));
    if (waiter->ended || !waiter->looked || waiter->holds()) {
      waiting_.remove(waiter);
      if (waiter->ended) co_return *waiter->ended;
      if (waiter->looked) co_return Result<void>{};
      if (failure) co_return Error{Errc::cancelled, "cancelled"};
      co_return Error{Errc::timed_out, "the deadline passed"};
    }
  }
}

void Waiters::look() {
  for (const auto& waiter : waiting_) {
    if (waiter->looked || waiter->ended || !waiter->holds()) continue;
    waiter->looked = true;
    waiter->woken.cancel();
  }
}

void Waiters::end(const Error& why) {
  for (const auto& waiter : waiting_) {
    if (waiter->ended) continue;
    waiter->ended = why;
    waiter->woken.cancel();
  }
}

}  // namespace hg::ble
