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

  /// Returns after `duration` of steady time, or with Errc::cancelled.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> sleep_for(Duration duration) = 0;
};

}  // namespace hg::ports
