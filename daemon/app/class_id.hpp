// SPDX-License-Identifier: Apache-2.0
// Of what kind a device is, as a configuration says it: the keys `vendor` and `class` of a child, and of a role.
#pragma once

#include "app/settings_file.hpp"
#include "core/names.hpp"

namespace hg::app {

struct ClassId {
  core::Uuid vendor{};
  core::Uuid device_class{};
};

/// Both must be there: a UUID, or what one is made from (RFC 9562 version 5).
ClassId read_class_id(Section& section);

}  // namespace hg::app
