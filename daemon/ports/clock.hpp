// SPDX-License-Identifier: Apache-2.0
// The only source of time for service and adapters, so that a test or a simulation can run on its own time.
// adapters/system has the real one.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/error.hpp"
#include "base/time.hpp"

namespace hg::ports {

class Clock {
 public:
  virtual ~Clock() = default;

  /// Civil time; may jump when the machine's clock is set.
  [[nodiscard]] virtual Instant now() const = 0;

  /// What the machine's own clock says, be it before built_at(): whoever judges an expiry must know that.
  [[nodiscard]] virtual Instant wall_clock() const { return now(); }

  /// When this program was built: a clock that says less is wrong.
  [[nodiscard]] virtual Instant built_at() const { return {}; }

  /// Returns after `duration` of steady time, or with Errc::cancelled.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> sleep_for(Duration duration) = 0;
};

}  // namespace hg::ports
