// SPDX-License-Identifier: Apache-2.0
#include "ble/objects.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace hg::ble {
namespace {

constexpr std::string_view kAdapter = "org.bluez.Adapter1";
constexpr std::string_view kDevice = "org.bluez.Device1";
constexpr std::string_view kService = "org.bluez.GattService1";
constexpr std::string_view kCharacteristic = "org.bluez.GattCharacteristic1";

constexpr std::size_t kLongestName = 248;  // Core Specification, Vol 3, Part C, 12.1
constexpr std::size_t kLongestText = 64;   // of addresses, UUIDs, flags
constexpr std::size_t kMostUuids = 64;
constexpr std::size_t kMostFlags = 32;

void to_lower(std::string& text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

void to_upper(std::string& text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
}

/// The value of that name if it is of that type.
template <class T>
const T* find(const Properties& properties, const char* name) {
  const auto found = properties.find(name);
  return found == properties.end() ? nullptr : std::get_if<T>(&found->second);
}

/// Whether the shown value is another one now.
template <class T>
bool set(T& shown, T value) {
  if (shown == value) return false;
  shown = std::move(value);
  return true;
}

bool take(const Properties& properties, const char* name, bool& shown) {
  const bool* const value = find<bool>(properties, name);
  return value != nullptr && set(shown, *value);
}

/// At most `longest` bytes of a text, and no part of a character.
std::string cut(const std::string& text, std::size_t longest) {
  if (text.size() <= longest) return text;
  while (longest > 0 && (text[longest] & '\xC0') == '\x80') --longest;
  return text.substr(0, longest);
}

bool take(const Properties& properties, const char* name, std::string& shown, std::size_t longest) {
  const auto* const value = find<std::string>(properties, name);
  return value != nullptr && set(shown, cut(*value, longest));
}

bool take_uuid(const Properties& properties, std::string& shown) {
  const auto* const value = find<std::string>(properties, "UUID");
  if (value == nullptr) return false;
  std::string uuid = value->substr(0, kLongestText);
  to_lower(uuid);
  return set(shown, std::move(uuid));
}

bool take_address(const Properties& properties, std::string& shown) {
  const auto* const value = find<std::string>(properties, "Address");
  if (value == nullptr) return false;
  std::string address = value->substr(0, kLongestText);
  to_upper(address);
  return set(shown, std::move(address));
}

bool take(const Properties& properties, const char* name, std::vector<std::string>& shown, std::size_t most) {
  const auto* const value = find<std::vector<std::string>>(properties, name);
  if (value == nullptr) return false;
  std::vector<std::string> texts;
  for (const std::string& text : *value) {
    if (texts.size() == most) break;
    texts.push_back(text.substr(0, kLongestText));
    to_lower(texts.back());
  }
  return set(shown, std::move(texts));
}

bool take_rssi(const Properties& properties, DeviceSeen& device) {
  const auto* const value = find<std::int64_t>(properties, "RSSI");
  if (value == nullptr) return false;
  using Limits = std::numeric_limits<std::int16_t>;
  device.rssi = static_cast<std::int16_t>(std::clamp<std::int64_t>(*value, Limits::min(), Limits::max()));
  ++device.heard;
  return true;
}

bool take_mtu(const Properties& properties, CharacteristicSeen& characteristic) {
  const auto* const value = find<std::int64_t>(properties, "MTU");
  if (value == nullptr || *value < 0 || *value > std::numeric_limits<std::uint16_t>::max()) return false;
  return set(characteristic.mtu, static_cast<std::uint16_t>(*value));
}

/// How many keys of an ordered map are below `device` + "/", counted up to `most`.
template <class T>
std::size_t count_below(const std::map<std::string, T>& all, const std::string& device, std::size_t most) {
  const std::string prefix = device + '/';
  std::size_t count = 0;
  for (auto at = all.lower_bound(prefix); at != all.end() && count < most && at->first.starts_with(prefix); ++at) {
    ++count;
  }
  return count;
}

template <class T>
void erase_below(std::map<std::string, T>& all, const std::string& device) {
  const std::string prefix = device + '/';
  auto at = all.lower_bound(prefix);
  while (at != all.end() && at->first.starts_with(prefix)) at = all.erase(at);
}

template <class T>
bool has_room(const std::map<std::string, T>& all, const std::string& path, std::size_t most) {
  const std::string device = device_path_of(path);
  return !device.empty() && all.size() < most &&
         count_below(all, device, Objects::kMostOfDevice) < Objects::kMostOfDevice;
}

template <class T>
const T* look_up(const std::map<std::string, T>& all, const std::string& path) {
  const auto found = all.find(path);
  return found == all.end() ? nullptr : &found->second;
}

}  // namespace

// "/org/bluez/hci0/dev_C0_FF_EE_00_11_22/service0010/char0011"
std::string device_path_of(const std::string& path) {
  const std::size_t device = path.find("/dev_");
  return device == std::string::npos ? std::string() : path.substr(0, path.find('/', device + 1));
}

bool DeviceSeen::has_smp() const {
  return std::ranges::find(uuids, kSmpService) != uuids.end();
}

bool CharacteristicSeen::has_flag(std::string_view flag) const {
  return std::ranges::find(flags, flag) != flags.end();
}

bool Objects::apply(const std::string& path, std::string_view interface, const Properties& properties) {
  if (interface == kDevice) return apply_device(path, properties);
  if (interface == kCharacteristic) return apply_characteristic(path, properties);
  if (interface == kService) return apply_service(path, properties);
  if (interface == kAdapter) return apply_adapter(path, properties);
  return false;
}

bool Objects::apply_adapter(const std::string& path, const Properties& properties) {
  auto found = adapters_.find(path);
  const bool is_new = found == adapters_.end();
  if (is_new) {
    if (find<std::string>(properties, "Address") == nullptr || adapters_.size() >= kMostAdapters) return false;
    found = adapters_.emplace(path, AdapterSeen{}).first;
    found->second.path = path;
    found->second.name = path.substr(path.rfind('/') + 1);
  }
  AdapterSeen& adapter = found->second;
  bool changed = is_new;
  changed |= take_address(properties, adapter.address);
  changed |= take(properties, "Powered", adapter.powered);
  changed |= take(properties, "Discovering", adapter.discovering);
  return changed;
}

bool Objects::apply_device(const std::string& path, const Properties& properties) {
  auto found = devices_.find(path);
  const bool is_new = found == devices_.end();
  DeviceSeen fresh;
  fresh.path = path;
  DeviceSeen& device = is_new ? fresh : found->second;
  bool changed = is_new;
  changed |= take_address(properties, device.address);
  changed |= take(properties, "Adapter", device.adapter, std::string::npos);
  changed |= take(properties, "Name", device.name, kLongestName);
  changed |= take(properties, "Connected", device.connected);
  changed |= take(properties, "ServicesResolved", device.services_resolved);
  // bluetoothd 5.66 does not always tell of a connection (seen: none of the second one to a device): its services do.
  const auto* const resolved = find<bool>(properties, "ServicesResolved");
  if (resolved != nullptr && *resolved) changed |= set(device.connected, true);
  changed |= take(properties, "Paired", device.paired);
  changed |= take(properties, "Bonded", device.bonded);
  changed |= take(properties, "Blocked", device.blocked);
  changed |= take(properties, "UUIDs", device.uuids, kMostUuids);
  changed |= take_rssi(properties, device);
  if (const auto* const type = find<std::string>(properties, "AddressType")) {
    changed |= set(device.is_random, *type == "random");
  }
  if (!is_new) return changed;
  const bool has_place = devices_.size() < kMostDevices || device.connected || device.paired;
  if (device.address.empty() || device.adapter.empty() || !has_place) return false;
  devices_.emplace(path, std::move(fresh));
  return true;
}

bool Objects::apply_service(const std::string& path, const Properties& properties) {
  const bool is_new = !services_.contains(path);
  if (is_new) {
    const bool is_whole = find<std::string>(properties, "UUID") != nullptr;
    if (!is_whole || !has_room(services_, path, kMostServices)) return false;
  }
  return take_uuid(properties, services_[path]) || is_new;
}

bool Objects::apply_characteristic(const std::string& path, const Properties& properties) {
  auto found = characteristics_.find(path);
  const bool is_new = found == characteristics_.end();
  if (is_new) {
    const bool is_whole =
        find<std::string>(properties, "UUID") != nullptr && find<std::string>(properties, "Service") != nullptr;
    if (!is_whole || !has_room(characteristics_, path, kMostCharacteristics)) return false;
    found = characteristics_.emplace(path, CharacteristicSeen{}).first;
    found->second.path = path;
  }
  CharacteristicSeen& characteristic = found->second;
  bool changed = is_new;
  changed |= take(properties, "Service", characteristic.service, std::string::npos);
  changed |= take_uuid(properties, characteristic.uuid);
  changed |= take(properties, "Flags", characteristic.flags, kMostFlags);
  changed |= take_mtu(properties, characteristic);
  return changed;
}

bool Objects::invalidate(const std::string& path, std::string_view interface, const std::vector<std::string>& names) {
  if (interface != kDevice) return false;
  const auto found = devices_.find(path);
  if (found == devices_.end()) return false;
  DeviceSeen& device = found->second;
  bool changed = false;
  for (const std::string& name : names) {
    if (name == "RSSI") changed |= set(device.rssi, std::optional<std::int16_t>());
    if (name == "Name") changed |= set(device.name, std::string());
    if (name == "UUIDs") changed |= set(device.uuids, std::vector<std::string>());
  }
  return changed;
}

bool Objects::remove(const std::string& path, std::string_view interface) {
  if (interface == kDevice) {
    erase_below(services_, path);
    erase_below(characteristics_, path);
    return devices_.erase(path) > 0;
  }
  if (interface == kCharacteristic) return characteristics_.erase(path) > 0;
  if (interface == kService) return services_.erase(path) > 0;
  if (interface == kAdapter) return adapters_.erase(path) > 0;
  return false;
}

void Objects::clear() {
  adapters_.clear();
  devices_.clear();
  services_.clear();
  characteristics_.clear();
}

const AdapterSeen* Objects::adapter(const std::string& path) const {
  return look_up(adapters_, path);
}

const DeviceSeen* Objects::device(const std::string& path) const {
  return look_up(devices_, path);
}

const CharacteristicSeen* Objects::characteristic(const std::string& path) const {
  return look_up(characteristics_, path);
}

Result<CharacteristicSeen> Objects::smp_characteristic(const std::string& device) const {
  const std::string prefix = device + '/';
  const CharacteristicSeen* only = nullptr;
  for (auto at = characteristics_.lower_bound(prefix); at != characteristics_.end() && at->first.starts_with(prefix);
       ++at) {
    const CharacteristicSeen& one = at->second;
    const auto service = services_.find(one.service);
    const bool is_smp = one.uuid == kSmpCharacteristic && service != services_.end() && service->second == kSmpService;
    if (!is_smp) continue;
    if (only != nullptr) return Error{Errc::mismatch, "it has several SMP characteristics"};
    only = &one;
  }
  if (only == nullptr) return Error{Errc::not_found, "it has no SMP characteristic"};
  return *only;
}

}  // namespace hg::ble
