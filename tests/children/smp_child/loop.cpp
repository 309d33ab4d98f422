// SPDX-License-Identifier: Apache-2.0
#include "loop.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <optional>
#include <system_error>
#include <vector>

namespace smp_child {
namespace {

timespec to_timespec(Duration duration) {
  using namespace std::chrono;
  const auto left = std::max(duration, Duration::zero());
  const auto whole = duration_cast<seconds>(left);
  return {whole.count(), duration_cast<nanoseconds>(left - whole).count()};
}

}  // namespace

void Loop::watch(int fd, short events, std::function<void(short)> ready) {
  watches_.insert_or_assign(fd, Watch{events, std::move(ready)});
}

void Loop::at(Clock::time_point time, std::function<void()> action) {
  timers_.emplace(time, std::move(action));
}

void Loop::run() {
  while (!stopped_) {
    run_due_timers();
    if (!stopped_) wait_and_dispatch();
  }
}

void Loop::run_due_timers() {
  const auto until = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= until) {
    now_ = timers_.begin()->first;
    const auto action = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    action();
  }
}

void Loop::wait_and_dispatch() {
  std::vector<pollfd> polled;
  for (const auto& [fd, watch] : watches_) polled.push_back({fd, watch.events, 0});
  std::optional<timespec> timeout;
  if (!timers_.empty()) timeout = to_timespec(timers_.begin()->first - Clock::now());
  if (::ppoll(polled.data(), polled.size(), timeout ? &*timeout : nullptr, nullptr) < 0) {
    if (errno == EINTR) return;
    throw std::system_error(errno, std::generic_category(), "ppoll");
  }
  now_ = Clock::now();
  for (const pollfd& entry : polled) {
    const auto found = watches_.find(entry.fd);
    if (entry.revents == 0 || found == watches_.end()) continue;
    const auto ready = found->second.ready;  // a copy: it may unwatch itself
    ready(entry.revents);
  }
}

}  // namespace smp_child
