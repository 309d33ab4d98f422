// SPDX-License-Identifier: Apache-2.0
// The messages in which bluetoothd tells of its objects, read into values: the answer to GetManagedObjects, and the
// signals InterfacesAdded, InterfacesRemoved and PropertiesChanged. Interfaces that nobody here looks at, and
// properties of types that no Property holds, are passed over. Who may send them is follower's to know, which calls
// these.
#pragma once

#include <systemd/sd-bus.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "ble/objects.hpp"

namespace hg::ble {

/// What a message says of one interface of one object.
struct Told {
  std::string path;
  std::string interface;
  Properties properties;
  std::vector<std::string> gone;  ///< properties that have no value any more, at most 256
  std::optional<Bytes> value;     ///< of a characteristic: the notification that came; at most 512 bytes
};
using TakeTold = std::function<void(const Told& told)>;

/// The answer to GetManagedObjects, a{oa{sa{sv}}}, one interface after the other. Errc::io: it is something else;
/// what was read until then has been taken.
Result<void> read_managed_objects(sd_bus_message* message, const TakeTold& take);

/// InterfacesAdded, oa{sa{sv}}.
Result<void> read_added(sd_bus_message* message, const TakeTold& take);

/// PropertiesChanged, sa{sv}as, at the path of the message.
Result<void> read_changed(sd_bus_message* message, const TakeTold& take);

struct Removed {
  std::string path;
  std::vector<std::string> interfaces;  ///< at most 256
};
/// InterfacesRemoved, oas.
Result<Removed> read_removed(sd_bus_message* message);

}  // namespace hg::ble
