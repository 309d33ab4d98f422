// SPDX-License-Identifier: Apache-2.0
// Runs one coroutine to its end on a loop, with a deadline in real time, for tests that use real adapters.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

namespace hg::fakes {

/// What `work` answers. Throws what it throws, and std::runtime_error when the deadline passes.
template <class T>
T on_loop(boost::asio::io_context& loop, boost::asio::awaitable<T> work,
          std::chrono::milliseconds at_most = std::chrono::seconds{30}) {
  std::optional<T> answer;
  std::exception_ptr thrown;
  auto take = [&](std::exception_ptr error, T value) {
    thrown = std::move(error);
    answer = std::move(value);
  };
  boost::asio::co_spawn(loop, std::move(work), take);
  loop.restart();
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (!answer && loop.run_one_until(deadline) > 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  if (!answer) throw std::runtime_error("on_loop: the deadline passed, or nothing is left that could answer");
  return std::move(*answer);
}

/// Runs the loop until `reached()`; false when that did not come in time.
inline bool run_until(boost::asio::io_context& loop, const std::function<bool()>& reached,
                      std::chrono::milliseconds at_most = std::chrono::seconds{30}) {
  loop.restart();
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (!reached()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    loop.run_one_for(std::chrono::milliseconds{20});
    if (loop.stopped()) loop.restart();
  }
  return true;
}

}  // namespace hg::fakes
