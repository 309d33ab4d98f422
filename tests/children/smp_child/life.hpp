// SPDX-License-Identifier: Apache-2.0
// The time between two resets: what was to happen in it does not happen after it. Used by the child and its request
// queue.
#pragma once

#include <functional>

#include "loop.hpp"

namespace smp_child {

class Life {
 public:
  explicit Life(Loop& loop) : loop_(loop) {}

  /// A reset.
  void begin() { ++number_; }

  /// Like Loop::after, but a reset before then cancels it.
  void after(Duration delay, std::function<void()> action) {
    loop_.after(delay, [this, number = number_, action = std::move(action)] {
      if (number == number_) action();
    });
  }

 private:
  Loop& loop_;
  unsigned number_ = 0;
};

}  // namespace smp_child
