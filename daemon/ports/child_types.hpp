// SPDX-License-Identifier: Apache-2.0
// What is known of a kind of child: completes what was said when a child was enrolled to all that core wants to know of
// it, from its profile. app keeps it over the profiles' files; service/roster calls it.
#pragma once

#include "base/error.hpp"
#include "core/model.hpp"

namespace hg::ports {

class ChildTypes {
 public:
  virtual ~ChildTypes() = default;

  /// Errc::not_found: there is no such profile, or no plugin is bound to the transport. Errc::invalid: the profile's
  /// file, or a name, address or target that none can have.
  [[nodiscard]] virtual Result<core::Enrollment> complete(const core::Registration& registration) const = 0;
};

}  // namespace hg::ports
