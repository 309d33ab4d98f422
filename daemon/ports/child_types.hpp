// SPDX-License-Identifier: Apache-2.0
// What the administrator says of kinds of children: who of those that plugins meet is enrolled by itself, and what a
// profile adds to what was said when a child was enrolled. app keeps it over the configuration and the profiles' files;
// service/roster calls it.
#pragma once

#include <optional>

#include "base/error.hpp"
#include "core/model.hpp"

namespace hg::ports {

class ChildTypes {
 public:
  virtual ~ChildTypes() = default;

  /// Errc::not_found: there is no such profile, or no plugin is bound to the transport. Errc::invalid: the profile's
  /// file, or a name, address or target that none can have.
  [[nodiscard]] virtual Result<core::Enrollment> complete(const core::Registration& registration) const = 0;

  /// The registration by the first policy that takes its like; none does: it stays a stranger.
  [[nodiscard]] virtual std::optional<core::Registration> by_policy(const core::Discovered& stranger,
                                                                    Instant now) const = 0;
};

}  // namespace hg::ports
