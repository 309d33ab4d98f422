// SPDX-License-Identifier: Apache-2.0
// A shutdown lock that only remembers.
#pragma once

#include "ports/shutdown_lock.hpp"

namespace hg::fakes {

class CountingLock final : public ports::ShutdownLock {
 public:
  void hold() override {
    is_held = true;
    ++times;
  }
  void release() override { is_held = false; }

  bool is_held = false;
  unsigned times = 0;  ///< that it was taken
};

}  // namespace hg::fakes
