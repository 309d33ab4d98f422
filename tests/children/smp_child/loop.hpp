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

  /// Calls `action` once, when `delay` has passed.
  void after(Duration delay, std::function<void()> action);

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
  bool stopped_ = false;
};

}  // namespace smp_child
