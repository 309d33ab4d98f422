// SPDX-License-Identifier: Apache-2.0
// What the tests around the plugin socket share: a loop that runs a coroutine to its end (with a guard against hanging
// for ever), a clock that moves only when it is told to, and a journal that remembers.
#pragma once

#include <gtest/gtest.h>

#include <stdlib.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "ports/clock.hpp"
#include "ports/journal.hpp"

namespace hg::test {

namespace asio = boost::asio;

class Loop {
 public:
  static constexpr std::chrono::seconds kGuard{30};

  asio::io_context io;

  /// Runs the loop until the coroutine ends, and returns what it returned.
  template <class T>
  T wait(asio::awaitable<T> task) {
    std::optional<T> result;
    std::exception_ptr failure;
    const auto done = [&](const std::exception_ptr& thrown, T value) {
      failure = thrown;
      result = std::move(value);
    };
    asio::co_spawn(io, std::move(task), done);
    until([&] { return result.has_value(); });
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
  }

  /// Runs the loop until `fact` holds; it is looked at after each handler.
  void until(const std::function<bool()>& fact) {
    const auto end = std::chrono::steady_clock::now() + kGuard;
    io.restart();
    asio::steady_timer guard(io, end);  // keeps the loop alive while nothing else does
    guard.async_wait([](boost::system::error_code) {});
    while (!fact()) {
      if (std::chrono::steady_clock::now() >= end) throw std::runtime_error("the test waited too long");
      io.run_one_until(end);
    }
    guard.cancel();
  }

  /// Runs whatever is ready.
  void settle() {
    io.restart();
    io.poll();
  }
};

/// Stands still but for advance().
class StillClock : public ports::Clock {
 public:
  explicit StillClock(asio::io_context& io) : io_(&io) {}

  [[nodiscard]] Instant now() const override { return now_; }

  [[nodiscard]] asio::awaitable<Result<void>> sleep_for(Duration duration) override {
    const auto sleeper = std::make_shared<Sleeper>(Sleeper{now_ + duration, asio::steady_timer(*io_), false});
    sleeper->timer.expires_at(asio::steady_timer::time_point::max());
    sleepers_.push_back(sleeper);
    co_await sleeper->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    sleepers_.remove(sleeper);
    if (!sleeper->due_passed) co_return Error{Errc::cancelled, "cancelled"};
    co_return Result<void>{};
  }

  void advance(Duration duration) {
    now_ += duration;
    for (const auto& sleeper : sleepers_) {
      if (sleeper->due > now_) continue;
      sleeper->due_passed = true;
      sleeper->timer.cancel();
    }
  }
  [[nodiscard]] std::size_t sleepers() const { return sleepers_.size(); }

 private:
  struct Sleeper {
    Instant due;
    asio::steady_timer timer;
    bool due_passed;
  };
  asio::io_context* io_;
  Instant now_{std::chrono::hours{24 * 20000}};
  std::list<std::shared_ptr<Sleeper>> sleepers_;
};

class RememberingJournal : public ports::Journal {
 public:
  void write(ports::Level, const ports::About& about, std::string_view text) override {
    lines.push_back(std::string(about.child) + "|" + std::string(text));
  }
  [[nodiscard]] bool has(std::string_view part) const {
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
  }
  std::vector<std::string> lines;
};

/// A directory of its own, gone at the end.
class Directory {
 public:
  Directory() {
    std::string name = "/tmp/headgate-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path = name;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

}  // namespace hg::test
