// SPDX-License-Identifier: Apache-2.0
// What is asked about groups, as it is read from a call. The table in requests.cpp names these.
#pragma once

#include "adapters/dbus/requests.hpp"

namespace hg::bus {

Result<Request> read_create_group(sd_bus_message* call, const ObjectTree& tree);
Result<Request> read_dissolve_group(sd_bus_message* call, const ObjectTree& tree);
Result<Request> read_repair(sd_bus_message* call, const ObjectTree& tree);
Result<Request> read_resolve(sd_bus_message* call, const ObjectTree& tree);

}  // namespace hg::bus
