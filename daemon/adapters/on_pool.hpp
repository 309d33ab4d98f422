// SPDX-License-Identifier: Apache-2.0
// Runs blocking work on a small thread pool and resumes the coroutine that asked on its own executor. The pool must
// outlive the work and be joined before the io_context of the caller goes. Used by the adapters whose libraries block:
// storage and the fetcher.
#pragma once

#include <atomic>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <type_traits>
#include <utility>

namespace hg::adapters {

/// Set when whoever waits for the work is cancelled; the work looks at it and ends soon.
using StopFlag = std::shared_ptr<std::atomic<bool>>;

/// Runs `work`, which takes nothing, must not throw, and owns what it uses. Whoever waits always gets its answer: a
/// cancellation sets `stop`, if there is one, and else does nothing.
template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work&>> on_pool(boost::asio::thread_pool& pool, Work work,
                                                            StopFlag stop = nullptr) {
  namespace asio = boost::asio;
  using Answer = std::invoke_result_t<Work&>;
  auto initiate = [&pool, &work, &stop](auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (stop && slot.is_connected()) {
      slot.assign([stop](asio::cancellation_type) { stop->store(true); });
    }
    auto executor = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    auto run = [work = std::move(work), handler = std::move(handler), executor = std::move(executor), slot]() mutable {
      auto resume = [handler = std::move(handler), answer = work(), slot]() mutable {
        if (slot.is_connected()) slot.clear();
        std::move(handler)(std::move(answer));
      };
      asio::post(executor, std::move(resume));
    };
    asio::post(pool, std::move(run));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(initiate, asio::use_awaitable);
}

}  // namespace hg::adapters
