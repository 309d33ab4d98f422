// SPDX-License-Identifier: Apache-2.0
// The requests of one child, one at a time: queued, started, bounded by their deadlines, cancelled, each answered once.
// It knows frames and the Driver but nothing of connecting: plugin.cpp owns one lane for each child.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>

#include "sdk/driver.hpp"
#include "wire/channel.hpp"

namespace hg::plugin {

/// Requests of one child that may wait; the daemon has at most two under way.
inline constexpr std::size_t kMaxWaiting = 8;

/// An answer on its way, with its descriptor if it has one.
struct Answer {
  wire::Frame frame;
  UniqueFd fd;
};

class Lane : public std::enable_shared_from_this<Lane> {
 public:
  Lane(boost::asio::any_io_executor executor, Driver& driver);

  /// A request that came over `channel`, to which the answer goes. Its deadline counts from now: it may end while the
  /// request still waits.
  void add(wire::Frame request, UniqueFd fd, std::shared_ptr<wire::Channel> channel);

  /// Gives one request up, if it is here: one that waits is answered, one that runs answers when it has come to its
  /// end.
  void cancel(std::uint64_t request);
  void cancel_all();

  /// cancel_all(), and a call of `then` when nothing runs any more; what has not ended `within` this time is answered
  /// for and waited for no longer. What is added meanwhile is begun afterwards. A later clear() replaces this one.
  void clear(std::chrono::milliseconds within, std::function<void()> then);
  [[nodiscard]] bool is_clearing() const { return static_cast<bool>(then_); }

 private:
  struct Entry {
    wire::Frame request;
    UniqueFd fd;
    std::shared_ptr<wire::Channel> channel;
    SteadyTime deadline;  // of the answer; a Deliver that moves puts it off

    [[nodiscard]] const wire::Task& task() const { return *wire::task_of(request); }
    void answer(wire::Frame frame, UniqueFd with = {}) const {
      static_cast<void>(channel->send(frame, std::move(with)));  // it may be gone: no matter
    }
    void fail(const Error& error) const;
  };
  /// What runs now; shared with its coroutine's handlers.
  struct Running {
    explicit Running(Entry begun) : entry(std::move(begun)) {}
    void fail(const Error& error);  // unless it is answered already

    Entry entry;
    boost::asio::cancellation_signal stop;
    SteadyTime last_progress;
    std::uint64_t done = ~std::uint64_t{0};
    bool answered = false;
  };

  void go_on();
  void start_next();
  void expire();
  void watch();
  void progress(const std::shared_ptr<Running>& running, std::uint64_t done, std::uint64_t total);
  void ended(const std::shared_ptr<Running>& running, std::optional<Answer> answer);

  boost::asio::any_io_executor executor_;
  Driver* driver_;
  std::deque<Entry> waiting_;
  std::shared_ptr<Running> running_;
  std::function<void()> then_;                // clear() is under way
  boost::asio::steady_timer first_deadline_;  // of what is not answered
  boost::asio::steady_timer clear_by_;
};

}  // namespace hg::plugin
