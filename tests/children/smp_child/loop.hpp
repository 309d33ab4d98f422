// SPDX-License-Identifier: Apache-2.0
// The one thread of smp_child: waits with ppoll for descriptors and deadlines, and never sleeps anywhere else.
// Used by everything that waits.
#pragma once

#include <chrono>
#include <functional>
#include <map>

namespace smp_child {

using Clock = std::chrono::steady_clock;
using Duration = Clock::duration;

class Loop {
 public:
  /// Calls `ready` whenever `fd` has one of `events` (POLLIN, POLLOUT) or an error.
  void watch(int fd, short events, std::function<void(short revents)> ready);
  void set_events(int fd, short events) { watches_.at(fd).events = events; }
  void unwatch(int fd) { watches_.erase(fd); }

  /// The time of what is being handled: for a timer when it was due, not when the machine came to it, so that
  /// lateness does not add up over a transfer.
  [[nodiscard]] Clock::time_point now() const { return now_; }

  /// Calls `action` once, at that time or when `delay` has passed.
  void at(Clock::time_point time, std::function<void()> action);
  void after(Duration delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }

  void run();
  void stop() { stopped_ = true; }

 private:
  struct Watch {
    short events;
    std::function<void(short)> ready;
  };

  void run_due_timers();
  void wait_and_dispatch();

  std::map<int, Watch> watches_;
  std::multimap<Clock::time_point, std::function<void()>> timers_;
  Clock::time_point now_ = Clock::now();
  bool stopped_ = false;
};

}  // namespace smp_child
