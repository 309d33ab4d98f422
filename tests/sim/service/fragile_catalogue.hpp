// SPDX-License-Identifier: Apache-2.0
// A catalogue (fakes/memory_catalogue.hpp) in whose commits the daemon can be killed: before anything of one is
// durable, or when all of it is and nobody has been told.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <utility>
#include <vector>

#include "fakes/memory_catalogue.hpp"
#include "sim/timeline.hpp"

namespace hg::sim {

class FragileCatalogue final : public ports::Catalogue {
 public:
  FragileCatalogue(Timeline& time, fakes::MemoryCatalogue& disk) : time_(time), disk_(disk) {}

  enum class Moment { before, after };
  /// In the next commit; `kill` must end its daemon.
  void kill_in_commit(Moment moment, std::function<void()> kill) {
    moment_ = moment;
    kill_ = std::move(kill);
  }
  void spare() { kill_ = nullptr; }

  [[nodiscard]] Result<core::State> load() override { return disk_.load(); }
  [[nodiscard]] Result<std::vector<core::PutHistory>> history(const core::ChildId& child, unsigned count) override {
    return disk_.history(child, count);
  }
  [[nodiscard]] boost::asio::awaitable<Result<void>> commit(std::vector<core::Change> changes) override {
    is_under_way = true;
    if (kill_ && moment_ == Moment::before) co_await die();
    const Result<void> committed = co_await disk_.commit(std::move(changes));
    if (kill_ && moment_ == Moment::after && committed) co_await die();
    co_return committed;
  }

  bool is_under_way = false;  ///< since then nothing has become of what was handed over

 private:
  /// Never returns: whoever waits is gone.
  boost::asio::awaitable<void> die() {
    time_.after(Duration{0}, std::exchange(kill_, nullptr));
    boost::asio::steady_timer never(co_await boost::asio::this_coro::executor,
                                    boost::asio::steady_timer::time_point::max());
    co_await never.async_wait(boost::asio::use_awaitable);
  }

  Timeline& time_;
  fakes::MemoryCatalogue& disk_;
  Moment moment_ = Moment::before;
  std::function<void()> kill_;
};

}  // namespace hg::sim
