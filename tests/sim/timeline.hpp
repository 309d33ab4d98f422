// SPDX-License-Identifier: Apache-2.0
// Virtual time: what is to happen, in the order of its time, and of when it was asked for if that is the same. The
// wall clock beside it jumps as somebody sets it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/time.hpp"

namespace hg::sim {

class Timeline {
 public:
  using Happening = std::function<void()>;

  void after(Duration pause, Happening happening) {
    events_.push_back({elapsed_ + pause, ++asked_, std::move(happening)});
    std::ranges::push_heap(events_, std::greater{});
  }

  /// Lets the next thing happen; false: there is none up to `end`, and it is that late now.
  bool step(Duration end) {
    if (events_.empty() || events_.front().at > end) {
      elapsed_ = std::max(elapsed_, end);
      return false;
    }
    std::ranges::pop_heap(events_, std::greater{});
    const Event next = std::move(events_.back());
    events_.pop_back();
    elapsed_ = next.at;
    next.happening();
    return true;
  }

  [[nodiscard]] Duration elapsed() const { return elapsed_; }
  [[nodiscard]] Instant wall() const { return kBegin + elapsed_ + set_by_; }
  void set_wall(Duration by) { set_by_ += by; }

 private:
  static constexpr Instant kBegin{std::chrono::hours{24 * 365 * 56}};
  struct Event {
    Duration at;
    std::uint64_t asked;
    Happening happening;
    friend bool operator>(const Event& a, const Event& b) {
      return std::pair{a.at, a.asked} > std::pair{b.at, b.asked};
    }
    friend bool operator<(const Event& a, const Event& b) { return b > a; }
    friend bool operator==(const Event& a, const Event& b) { return a.asked == b.asked; }
    friend bool operator<=(const Event& a, const Event& b) { return !(a > b); }
    friend bool operator>=(const Event& a, const Event& b) { return !(b > a); }
  };

  std::vector<Event> events_;
  std::uint64_t asked_ = 0;
  Duration elapsed_{0};
  Duration set_by_{0};
};

}  // namespace hg::sim
