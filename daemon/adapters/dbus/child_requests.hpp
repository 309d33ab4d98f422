// SPDX-License-Identifier: Apache-2.0
// What is asked about who is a child and which keys it has, as it is read from a call. The table in requests.cpp names
// these.
#pragma once

#include "adapters/dbus/requests.hpp"

namespace hg::bus {

Result<Request> read_enroll(sd_bus_message* call, const ObjectTree& tree);
Result<Request> read_forget(sd_bus_message* call, const ObjectTree& tree);
Result<Request> read_replace_board(sd_bus_message* call, const ObjectTree& tree);
Result<Request> read_set_key(sd_bus_message* call, const ObjectTree& tree);
Result<Request> read_revoke_key(sd_bus_message* call, const ObjectTree& tree);

}  // namespace hg::bus
