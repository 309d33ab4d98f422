// SPDX-License-Identifier: Apache-2.0
// What bluetoothd shows, in few words: for tests of what looks at it.
#pragma once

#include <optional>
#include <string>

#include "ble/objects.hpp"

namespace hg::test {

struct DeviceSays {
  std::string adapter = "hci0";
  std::string address;
  std::string name{};
  std::optional<int> rssi = -60;
  bool smp = true;
  bool connected = false;
  bool bonded = false;
  bool is_random = false;
};

inline void show_adapter(ble::Objects& objects, const std::string& name, const std::string& address,
                         bool powered = true) {
  objects.apply("/org/bluez/" + name, "org.bluez.Adapter1", {{"Address", address}, {"Powered", powered}});
}

/// Its path.
inline std::string show_device(ble::Objects& objects, const DeviceSays& says) {
  std::string path = "/org/bluez/" + says.adapter + "/dev_";
  for (const char c : says.address) path += c == ':' ? '_' : c;
  ble::Properties properties{{"Adapter", "/org/bluez/" + says.adapter},
                             {"Address", says.address},
                             {"AddressType", std::string(says.is_random ? "random" : "public")},
                             {"Connected", says.connected},
                             {"Paired", says.bonded},
                             {"Bonded", says.bonded}};
  if (!says.name.empty()) properties["Name"] = says.name;
  if (says.rssi) properties["RSSI"] = std::int64_t{*says.rssi};
  if (says.smp) properties["UUIDs"] = std::vector<std::string>{std::string(ble::kSmpService)};
  objects.apply(path, "org.bluez.Device1", properties);
  return path;
}

/// The device is heard again.
inline void hear_again(ble::Objects& objects, const std::string& path, int rssi) {
  objects.apply(path, "org.bluez.Device1", {{"RSSI", std::int64_t{rssi}}});
}

}  // namespace hg::test
