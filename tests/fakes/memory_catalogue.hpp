// SPDX-License-Identifier: Apache-2.0
// A catalogue in memory that is as honest about power cuts as a disk: what was handed to commit() is lost until the
// commit has returned, unless the test says that it had just reached the disk. It outlives the service that it is
// lent to, so that a test can end one service and start another on what was kept. Held to the same cases as the real
// one by tests/contract.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "fakes/remembered_rows.hpp"
#include "ports/catalogue.hpp"
#include "ports/clock.hpp"

namespace hg::fakes {

class MemoryCatalogue final : public ports::Catalogue {
 public:
  /// With a clock, each commit takes `sync` of its time; without, it is over at the next turn of the loop.
  explicit MemoryCatalogue(ports::Clock* clock = nullptr, Duration sync = Duration{0}) : clock_(clock), sync_(sync) {}

  [[nodiscard]] Result<core::State> load() override {
    if (load_error_) return *load_error_;
    return durable_.state;
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> commit(std::vector<core::Change> changes) override {
    if (commit_failures_ > 0) {
      --commit_failures_;
      co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
      co_return commit_error_;
    }
    if (is_full_ && is_full_()) {
      co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
      co_return Error{Errc::no_space, "commit: the disk is full"};
    }
    const std::uint64_t number = ++last_number_;
    unsynced_.emplace(number, std::move(changes));
    if (clock_ != nullptr) {
      // A real commit is not stopped by the cancellation of who waits for it; nor is this one.
      (void)co_await clock_->sleep_for(sync_);
    } else {
      co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    }
    const auto written = unsynced_.extract(number);
    if (written.empty()) co_return Error{Errc::io, "commit: the power was cut"};
    durable_.write(written.mapped());
    ++commits_;
    co_return Result<void>{};
  }

  [[nodiscard]] Result<std::vector<core::PutHistory>> history(const core::ChildId& child, unsigned count) override {
    std::vector<core::PutHistory> lines;
    const auto found = durable_.history.find(child);
    if (found == durable_.history.end()) return lines;
    for (auto line = found->second.rbegin(); line != found->second.rend() && lines.size() < count; ++line) {
      lines.push_back(*line);
    }
    return lines;
  }

  // ------------------------------------------------------------------------------------------------ for the test

  /// The next `times` commits write nothing and fail with `error`.
  void fail_commits(Error error, unsigned times = 1) {
    commit_error_ = std::move(error);
    commit_failures_ = times;
  }
  /// While it says so, commits write nothing and fail with Errc::no_space.
  void full_while(std::function<bool()> is_full) { is_full_ = std::move(is_full); }
  void fail_load(std::optional<Error> error) { load_error_ = std::move(error); }

  enum class Unsynced { dropped, kept };
  /// What is under way is lost, or had just become durable. Call it when the service that used the catalogue is gone.
  void cut_power(Unsynced unsynced = Unsynced::dropped) {
    if (unsynced == Unsynced::kept) {
      for (const auto& [number, changes] : unsynced_) durable_.write(changes);
    }
    unsynced_.clear();
  }

  /// What a power cut now would leave.
  [[nodiscard]] const core::State& durable() const { return durable_.state; }
  /// Commits that have become durable through commit().
  [[nodiscard]] std::uint64_t commits() const { return commits_; }
  [[nodiscard]] bool is_committing() const { return !unsynced_.empty(); }

 private:
  struct Durable {
    core::State state;
    std::map<core::ChildId, std::deque<core::PutHistory>> history;

    void write(const std::vector<core::Change>& changes) {
      for (const core::Change& change : changes) {
        std::visit(RememberedRows{state}, change);
        if (const auto* row = std::get_if<core::PutHistory>(&change)) put(*row);
      }
    }
    void put(const core::PutHistory& row) {
      auto& lines = history[row.child];
      lines.push_back(row);
      if (lines.size() > ports::Catalogue::kHistoryPerChild) lines.pop_front();
    }
  };

  ports::Clock* clock_;
  Duration sync_;
  Durable durable_;
  std::map<std::uint64_t, std::vector<core::Change>> unsynced_;
  std::uint64_t last_number_ = 0;
  std::uint64_t commits_ = 0;
  unsigned commit_failures_ = 0;
  Error commit_error_{Errc::io, "commit: injected"};
  std::function<bool()> is_full_;
  std::optional<Error> load_error_;
};

}  // namespace hg::fakes
