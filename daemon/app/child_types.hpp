// SPDX-License-Identifier: Apache-2.0
// The kinds of children as the configuration in force and its profiles say. Made by the composition root.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "app/config.hpp"
#include "ports/child_types.hpp"

namespace hg::app {

class ConfiguredChildTypes final : public ports::ChildTypes {
 public:
  /// Told what a profile says to plugins, each time that a child is completed by it.
  using Learn = std::function<void(const std::string& profile, TransportTables tables)>;

  /// `config` outlives it, and may be another one after a reload.
  ConfiguredChildTypes(const Config& config, Learn learn) : config_(config), learn_(std::move(learn)) {}

  [[nodiscard]] Result<core::Enrollment> complete(const core::Registration& registration) const override;
  [[nodiscard]] std::optional<core::Registration> by_policy(const core::Discovered& stranger,
                                                            Instant now) const override;

 private:
  const Config& config_;
  Learn learn_;
};

}  // namespace hg::app
