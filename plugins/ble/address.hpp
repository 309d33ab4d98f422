// SPDX-License-Identifier: Apache-2.0
// Who a child is on the air, as the configuration writes it, and which of the devices in sight that is. Pure; link asks
// it after each change of what bluetoothd shows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ble/objects.hpp"

namespace hg::ble {

struct BleAddress {
  std::string address{};  ///< "C0:FF:EE:00:11:22", upper case: the identity address; or empty, then:
  std::string name{};     ///< as advertised, 1 to 29 bytes, compared as bytes
  std::string adapter{};  ///< "hci0" or an adapter's address, upper case; empty: any that the plugin may use
  friend bool operator==(const BleAddress&, const BleAddress&) = default;
};

/// "C0:FF:EE:00:11:22", "name:boiler-12", either with "@hci1" or "@00:AA:01:00:00:00" behind it (the last '@' counts,
/// so a name with '@' in it must have an adapter behind it). Addresses may be in lower case, names are UTF-8.
/// Errc::invalid says what is wrong.
Result<BleAddress> ble_address_from(std::string_view text);

/// Whether `adapter` is one of `allowed` (names or addresses, as --adapters gives them; empty: all).
bool is_allowed(const AdapterSeen& adapter, const std::vector<std::string>& allowed);

/// Whether an adapter is on that both the child's address and `allowed` permit.
bool has_adapter(const BleAddress& child, const Objects& objects, const std::vector<std::string>& allowed);

/// The device of a child. `bonded`: the identity address of its bond, which goes before everything that is advertised
/// (empty: it has none). Only devices on powered adapters that both the address and `allowed` permit; only those with
/// the SMP service, unless they are `bonded` or named by address (BlueZ may not have heard their UUIDs yet). One that
/// several adapters show: the one that has the bond, else the connected one, else the one with the best RSSI. By name,
/// a device whose address is in `taken` (those of other enrolled children, identity addresses, upper case) is not it,
/// and one that is neither heard nor connected does not count beside one that is: bluetoothd keeps whom it once
/// connected. Errc::not_found: not in sight; Errc::mismatch: the name fits several addresses, the first four named in
/// the text.
Result<DeviceSeen> device_of(const BleAddress& child, const std::string& bonded, const std::vector<std::string>& taken,
                             const Objects& objects, const std::vector<std::string>& allowed);

}  // namespace hg::ble
