// SPDX-License-Identifier: Apache-2.0
// Which object path stands for what. Paths say nothing that a property does not say too, so no client needs to take
// one apart. Used by the object tree and its views.
#pragma once

#include <map>
#include <string>

#include "bus/message.hpp"
#include "core/model.hpp"

namespace hg::bus {

ObjectPath child_path(const core::ChildId& child);
ObjectPath group_path(const core::GroupId& group);
ObjectPath rollout_path(core::RolloutId rollout);
ObjectPath job_path(core::Epoch epoch);

/// Deliverables have the first 24 digits of their id in their path, or as many more as it takes to differ from those
/// that were named before.
class DeliverablePaths {
 public:
  /// The path of a deliverable; from the first call on it is always the same.
  ObjectPath operator[](const core::DeliverableId& deliverable);

 private:
  std::map<core::DeliverableId, ObjectPath> by_id_;
  std::map<ObjectPath, core::DeliverableId> by_path_;
};

}  // namespace hg::bus
