// SPDX-License-Identifier: Apache-2.0
// The seven interfaces as sd-bus wants them. config/dbus/*.xml is the source; a test compares what the bus says of us
// with it. Used by the object tree.
#pragma once

#include "adapters/dbus/collection.hpp"
#include "adapters/dbus/views.hpp"

namespace hg::bus {

/// All interfaces; made once by the object tree, which outlives what it is attached to.
struct Interfaces {
  Interfaces();

  Interface<ManagerView> manager;
  Interface<TrustView> trust;
  Interface<ChildView> child;
  Interface<GroupView> group;
  Interface<DeliverableView> deliverable;
  Interface<RolloutView> rollout;
  Interface<JobView> job;
};

}  // namespace hg::bus
