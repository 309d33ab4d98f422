// SPDX-License-Identifier: Apache-2.0
// The machine's time: civil time from the system clock, but never before a floor, since a gateway without a battery
// starts in 1970; waits on the steady clock. What is done with time is the caller's. Made by app.
#pragma once

#include "ports/clock.hpp"

namespace hg::system {

class SteadyClock final : public ports::Clock {
 public:
  /// `floor`: the latest point that is known to have passed, e.g. when the program was built.
  explicit SteadyClock(Instant floor) : floor_(floor) {}

  [[nodiscard]] Instant now() const override;
  [[nodiscard]] Instant wall_clock() const override;
  [[nodiscard]] Instant built_at() const override { return floor_; }
  /// Zero or less: at the next turn of the loop.
  [[nodiscard]] boost::asio::awaitable<Result<void>> sleep_for(Duration duration) override;

 private:
  Instant floor_;
};

}  // namespace hg::system
