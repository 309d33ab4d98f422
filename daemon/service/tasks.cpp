// SPDX-License-Identifier: Apache-2.0
#include "service/tasks.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

namespace hg::service {

namespace asio = boost::asio;

namespace {

/// So that a task never runs inside the call that spawned it.
asio::awaitable<void> after_a_turn(asio::awaitable<void> work) {
  co_await asio::post(asio::use_awaitable);
  co_await std::move(work);
}

}  // namespace

Tasks::Tasks(asio::any_io_executor executor)
    : executor_(std::move(executor)), emptied_(executor_, asio::steady_timer::time_point::max()) {}

Tasks::Number Tasks::spawn(asio::awaitable<void> work) {
  const Number number = ++last_;
  auto signal = std::make_shared<asio::cancellation_signal>();
  running_.emplace(number, signal);
  const auto ended = [this, number, signal](const std::exception_ptr& thrown) {
    running_.erase(number);
    if (running_.empty()) emptied_.cancel();
    if (!thrown) return;
    try {
      std::rethrow_exception(thrown);
    } catch (const boost::system::system_error& error) {
      if (error.code() != asio::error::operation_aborted) throw;  // a bug: it ends the process
    }
  };
  asio::co_spawn(executor_, after_a_turn(std::move(work)), asio::bind_cancellation_slot(signal->slot(), ended));
  return number;
}

void Tasks::cancel(Number number) {
  const auto found = running_.find(number);
  if (found == running_.end()) return;
  const auto signal = found->second;  // the task may end, and its entry go, while it is told
  signal->emit(asio::cancellation_type::terminal);
}

void Tasks::cancel_all() {
  std::vector<Number> numbers;
  for (const auto& [number, signal] : running_) numbers.push_back(number);
  for (const Number number : numbers) cancel(number);
}

asio::awaitable<void> Tasks::join() {
  while (!running_.empty()) {
    boost::system::error_code ignored;
    co_await emptied_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace hg::service
