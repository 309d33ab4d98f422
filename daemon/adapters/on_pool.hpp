// SPDX-License-Identifier: Apache-2.0
// Runs blocking work on a small thread pool and resumes the coroutine that asked on its own executor. Cancellation
// does not reach the work: whoever waits gets its result. The pool must outlive the work and be joined before the
// io_context of the caller goes. Used by the adapters whose libraries block (storage).
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

namespace hg::adapters {

/// `work` takes nothing, must not throw, and owns what it uses.
template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work&>> on_pool(boost::asio::thread_pool& pool, Work work) {
  namespace asio = boost::asio;
  using Answer = std::invoke_result_t<Work&>;
  auto initiate = [&pool, &work](auto handler) {
    auto executor = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    asio::post(pool, [work = std::move(work), handler = std::move(handler), executor = std::move(executor)]() mutable {
      auto resume = [handler = std::move(handler), answer = work()]() mutable {
        std::move(handler)(std::move(answer));
      };
      asio::post(executor, std::move(resume));
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(initiate, asio::use_awaitable);
}

}  // namespace hg::adapters
