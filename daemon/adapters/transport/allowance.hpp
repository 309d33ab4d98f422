// SPDX-License-Identifier: Apache-2.0
// How often a plugin may do something that costs the daemon work: so many at once, and so many a second for ever. Used
// for connections and for link events, which a taken plugin could otherwise send without end.
#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace hg::transport {

class Allowance {
 public:
  Allowance(double at_once, double per_second) : left_(at_once), at_once_(at_once), per_second_(per_second) {}

  /// Whether one more is allowed at `now`; a clock that jumps back gives nothing and takes nothing.
  bool take(Instant now) {
    if (last_ != Instant{} && now > last_) {
      const double seconds = std::chrono::duration<double>(now - last_).count();
      left_ = std::min(at_once_, left_ + seconds * per_second_);
    }
    last_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  double left_;
  double at_once_;
  double per_second_;
  Instant last_{};
};

}  // namespace hg::transport
