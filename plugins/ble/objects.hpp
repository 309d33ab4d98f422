// SPDX-License-Identifier: Apache-2.0
// What bluetoothd shows on the bus (org.bluez.Adapter1, Device1, GattService1, GattCharacteristic1; BlueZ 5.66,
// doc/*-api.txt), as values, and the picking out of what concerns SMP children. What comes from devices (names, UUIDs,
// how many there are) is hostile and bounded here. Pure: bluez feeds it, radio and link look.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace hg::ble {

inline constexpr std::string_view kSmpService = "8d53dc1d-1db7-4cd3-868b-8a527460aa84";
inline constexpr std::string_view kSmpCharacteristic = "da2e7828-fbce-4e01-ae9e-261174997c48";

/// Of those properties that anybody here reads. Numbers of every D-Bus type come as std::int64_t, object paths as text.
using Property = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;
using Properties = std::map<std::string, Property>;

/// What controllers say that cannot measure how strong a signal is (HCI); shown to nobody.
inline constexpr std::int16_t kNoRssi = 127;

struct AdapterSeen {
  std::string path;     ///< "/org/bluez/hci0"
  std::string name;     ///< "hci0", from the path
  std::string address;  ///< "00:AA:01:00:00:00"
  bool powered = false;
  bool discovering = false;  ///< for whomever
};

struct DeviceSeen {
  std::string path;
  std::string adapter;  ///< its path
  std::string address;  ///< the identity address once it is bonded
  bool is_random = false;
  std::string name;                  ///< as advertised, at most 248 bytes; empty: it says none
  std::optional<std::int16_t> rssi;  ///< dBm, 127: not known; only while it is heard in a discovery
  std::uint64_t heard = 0;           ///< how often an RSSI was told, the same one too: grows with each advertisement
  bool connected = false;
  bool services_resolved = false;
  bool paired = false;
  bool bonded = false;
  bool blocked = false;
  std::vector<std::string> uuids;  ///< at most 64, lower case
  [[nodiscard]] bool has_smp() const;
};

struct CharacteristicSeen {
  std::string path;
  std::string service;  ///< its path
  std::string uuid;     ///< lower case
  std::vector<std::string> flags;
  std::uint16_t mtu = 0;  ///< 0: not known
  [[nodiscard]] bool has_flag(std::string_view flag) const;
};

/// The device that a service or characteristic is part of, by its path; empty: none.
std::string device_path_of(const std::string& path);

class Objects {
 public:
  /// Beyond these a new object of the kind is not taken: nobody has so many, but a street has so many devices.
  /// Devices that are connected or paired are taken beyond that: bluetoothd bounds those by itself.
  static constexpr std::size_t kMostAdapters = 64;
  static constexpr std::size_t kMostDevices = 2048;
  static constexpr std::size_t kMostServices = 4096;
  static constexpr std::size_t kMostCharacteristics = 8192;
  /// Of one device, so that none takes the room of all.
  static constexpr std::size_t kMostOfDevice = 512;

  /// InterfacesAdded, PropertiesChanged, or one of GetManagedObjects. Properties of other interfaces and of other types
  /// than BlueZ documents are left alone, and so is an object that is told without what it cannot be without (address,
  /// adapter, UUID, service): the end of one that is not kept. Whether anything that is shown here has changed.
  bool apply(const std::string& path, std::string_view interface, const Properties& properties);
  /// PropertiesChanged also says which values are no longer there.
  bool invalidate(const std::string& path, std::string_view interface, const std::vector<std::string>& names);
  /// InterfacesRemoved. With a device go its services.
  bool remove(const std::string& path, std::string_view interface);
  /// bluetoothd is gone.
  void clear();

  [[nodiscard]] const std::map<std::string, AdapterSeen>& adapters() const { return adapters_; }
  [[nodiscard]] const std::map<std::string, DeviceSeen>& devices() const { return devices_; }
  /// nullptr: there is none.
  [[nodiscard]] const AdapterSeen* adapter(const std::string& path) const;
  [[nodiscard]] const DeviceSeen* device(const std::string& path) const;
  [[nodiscard]] const CharacteristicSeen* characteristic(const std::string& path) const;

  /// The SMP characteristic of the SMP service of a device. Errc::not_found: it has none (or its services are not
  /// resolved); Errc::mismatch: several.
  [[nodiscard]] Result<CharacteristicSeen> smp_characteristic(const std::string& device) const;

 private:
  bool apply_adapter(const std::string& path, const Properties& properties);
  bool apply_device(const std::string& path, const Properties& properties);
  bool apply_service(const std::string& path, const Properties& properties);
  bool apply_characteristic(const std::string& path, const Properties& properties);

  std::map<std::string, AdapterSeen> adapters_;
  std::map<std::string, DeviceSeen> devices_;
  std::map<std::string, std::string> services_;  // path, UUID
  std::map<std::string, CharacteristicSeen> characteristics_;
};

}  // namespace hg::ble
