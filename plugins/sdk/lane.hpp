// SPDX-License-Identifier: Apache-2.0
// The requests of one child, one at a time: queued, started, bounded by their deadlines, cancelled, answered once. It
// knows frames and the Driver but nothing of connecting: plugin.cpp owns one lane for each child.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
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

  /// A request that came over `channel`, to which the answer goes.
  void add(wire::Frame request, UniqueFd fd, std::shared_ptr<wire::Channel> channel);

  /// Gives one request up, if it is here.
  void cancel(std::uint64_t request);

  /// The connection is gone: drops what waits and gives up what runs.
  void drop();

 private:
  struct Entry {
    wire::Frame request;
    UniqueFd fd;
    std::shared_ptr<wire::Channel> channel;

    [[nodiscard]] const wire::Task& task() const { return *wire::task_of(request); }
    void answer(wire::Frame frame, UniqueFd with = {}) const {
      static_cast<void>(channel->send(frame, std::move(with)));  // it may be gone: no matter
    }
    void fail(const Error& error) const;
  };
  /// What runs now; shared with its coroutine's handlers.
  struct Running {
    Running(const boost::asio::any_io_executor& executor, Entry begun) : entry(std::move(begun)), timer(executor) {}

    Entry entry;
    boost::asio::cancellation_signal stop;
    boost::asio::steady_timer timer;
    SteadyTime deadline;
    SteadyTime last_progress;
    std::uint64_t done = ~std::uint64_t{0};
    bool answered = false;
  };

  void start_next();
  void watch(const std::shared_ptr<Running>& running);
  void progress(const std::shared_ptr<Running>& running, std::uint64_t done, std::uint64_t total);
  void ended(const std::shared_ptr<Running>& running, std::optional<Answer> answer);

  boost::asio::any_io_executor executor_;
  Driver* driver_;
  std::deque<Entry> waiting_;
  std::shared_ptr<Running> running_;
};

}  // namespace hg::plugin
