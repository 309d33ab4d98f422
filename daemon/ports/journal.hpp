// SPDX-License-Identifier: Apache-2.0
// Where the daemon says what happened and for whom: one line per event, with the fields HEADGATE_CHILD,
// HEADGATE_DELIVERABLE and HEADGATE_ROLLOUT where they apply. adapters/system writes it to journald or to stderr.
// No secret ever goes here; texts that came from outside are cleaned by the writer.
#pragma once

#include <string>
#include <string_view>

namespace hg::ports {

/// syslog priorities.
enum class Level : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

/// For whom the line is; empty members are left out.
struct About {
  std::string_view child;
  std::string_view deliverable;
  std::string_view job;
};

class Journal {
 public:
  virtual ~Journal() = default;

  /// From any thread.
  virtual void write(Level level, const About& about, std::string_view text) = 0;
};

}  // namespace hg::ports
