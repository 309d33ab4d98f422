// SPDX-License-Identifier: Apache-2.0
// Something to be done after a time unless it is called off: every wait of the transport adapter has one. Time comes
// from ports::Clock. Used by the board (Hello) and by the plugin connection (requests).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "ports/clock.hpp"

namespace hg::transport {

class Deadline {
 public:
  /// Calls `expired` once, on the executor, after `after`. Destroying the Deadline calls it off.
  Deadline(const boost::asio::any_io_executor& executor, ports::Clock& clock, Duration after,
           std::function<void()> expired);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline();

 private:
  struct Wait;
  std::shared_ptr<Wait> wait_;
};

}  // namespace hg::transport
