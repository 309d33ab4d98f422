// SPDX-License-Identifier: Apache-2.0
// The kinds of children as the configuration in force and its profiles say. Made by the composition root.
#pragma once

#include "app/config.hpp"
#include "ports/child_types.hpp"

namespace hg::app {

class ConfiguredChildTypes final : public ports::ChildTypes {
 public:
  /// `config` outlives it, and may be another one after a reload.
  explicit ConfiguredChildTypes(const Config& config) : config_(config) {}

  [[nodiscard]] Result<core::Enrollment> complete(const core::Registration& registration) const override;
  [[nodiscard]] std::optional<core::Registration> by_policy(const core::Discovered& stranger,
                                                            Instant now) const override;

 private:
  const Config& config_;
};

}  // namespace hg::app
