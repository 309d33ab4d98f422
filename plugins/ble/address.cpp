// SPDX-License-Identifier: Apache-2.0
#include "ble/address.hpp"

#include <algorithm>
#include <set>

#include "base/cbor.hpp"

namespace hg::ble {
namespace {

constexpr std::string_view kByName = "name:";
constexpr std::string_view kAdapterName = "hci";
constexpr std::size_t kLongestName = 29;  // what is left of the 31 bytes of an advertisement
constexpr std::size_t kMostDigits = 4;    // of an adapter's number
constexpr std::size_t kMostNamed = 4;     // addresses in a text

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hexadecimal(char c) {
  return is_digit(c) || (c >= 'A' && c <= 'F');
}

std::string in_upper_case(std::string_view text) {
  std::string upper(text);
  const auto raise = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  std::ranges::transform(upper, upper.begin(), raise);
  return upper;
}

/// "C0:FF:EE:00:11:22", in upper case.
bool is_device_address(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_fine = at % 3 == 2 ? text[at] == ':' : is_hexadecimal(text[at]);
    if (!is_fine) return false;
  }
  return true;
}

bool is_adapter_name(std::string_view text) {
  if (!text.starts_with(kAdapterName)) return false;
  const std::string_view number = text.substr(kAdapterName.size());
  return !number.empty() && number.size() <= kMostDigits && std::ranges::all_of(number, is_digit);
}

Result<std::string> adapter_from(std::string_view text) {
  if (is_adapter_name(text)) return std::string(text);
  std::string address = in_upper_case(text);
  if (is_device_address(address)) return address;
  return Error{Errc::invalid, "address: behind the last '@' stands an adapter, \"hci1\" or its address, and '" +
                                  std::string(text) + "' is none"};
}

bool is_it(const AdapterSeen& adapter, std::string_view wanted) {
  return adapter.name == wanted || adapter.address == in_upper_case(wanted);
}

bool is_heard(const DeviceSeen* device) {
  return device->connected || device->rssi;
}

/// Which of two that are the same child is to be taken.
bool is_worse(const DeviceSeen* a, const DeviceSeen* b) {
  if (a->connected != b->connected) return b->connected;
  return a->rssi < b->rssi;  // none is less than any
}

using Devices = std::vector<const DeviceSeen*>;  // of Objects

template <class Holds>
void keep_if_any(Devices& devices, Holds holds) {
  if (std::ranges::any_of(devices, holds))
    std::erase_if(devices, [&](const DeviceSeen* device) { return !holds(device); });
}

bool may_serve(const AdapterSeen& adapter, const BleAddress& child, const std::vector<std::string>& allowed) {
  return adapter.powered && is_allowed(adapter, allowed) && (child.adapter.empty() || is_it(adapter, child.adapter));
}

/// Those that are meant, on adapters that the child and the plugin may use.
template <class IsMeant>
Devices within_reach(const BleAddress& child, const Objects& objects, const std::vector<std::string>& allowed,
                     IsMeant is_meant) {
  Devices found;
  for (const auto& [path, device] : objects.devices()) {
    if (!is_meant(device)) continue;
    const AdapterSeen* adapter = objects.adapter(device.adapter);
    if (adapter != nullptr && may_serve(*adapter, child, allowed)) found.push_back(&device);
  }
  return found;
}

/// What a name fits, when that is not one device.
Result<void> is_one(const Devices& found, const std::string& name) {
  std::set<std::string> addresses;
  for (const DeviceSeen* device : found) addresses.insert(device->address);
  if (addresses.size() < 2) return {};
  if (std::ranges::none_of(found, is_heard)) {
    return Error{Errc::not_found, "nobody who is called '" + name + "' is heard"};
  }
  std::string text = std::to_string(addresses.size()) + " devices are called '" + name + "':";
  std::size_t named = 0;
  for (const std::string& address : addresses) {
    if (named++ == kMostNamed) return Error{Errc::mismatch, text + " and others"};
    text += " " + address;
  }
  return Error{Errc::mismatch, text};
}

}  // namespace

Result<BleAddress> ble_address_from(std::string_view text) {
  BleAddress found;
  const std::size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    auto adapter = adapter_from(text.substr(at + 1));
    if (!adapter) return adapter.error();
    found.adapter = std::move(*adapter);
    text = text.substr(0, at);
  }
  if (!text.starts_with(kByName)) {
    found.address = in_upper_case(text);
    if (is_device_address(found.address)) return found;
    return Error{Errc::invalid, "address: '" + std::string(text) + "' is neither like C0:FF:EE:00:11:22 nor name:NAME"};
  }
  found.name = text.substr(kByName.size());
  const bool is_name = !found.name.empty() && found.name.size() <= kLongestName;
  if (is_name && cbor::is_utf8(as_bytes(found.name))) return found;
  return Error{Errc::invalid,
               "address: an advertised name has 1 to " + std::to_string(kLongestName) + " bytes of UTF-8"};
}

bool is_allowed(const AdapterSeen& adapter, const std::vector<std::string>& allowed) {
  const auto is_meant = [&](const std::string& one) { return is_it(adapter, one); };
  return allowed.empty() || std::ranges::any_of(allowed, is_meant);
}

bool has_adapter(const BleAddress& child, const Objects& objects, const std::vector<std::string>& allowed) {
  const auto serves = [&](const auto& entry) { return may_serve(entry.second, child, allowed); };
  return std::ranges::any_of(objects.adapters(), serves);
}

Result<DeviceSeen> device_of(const BleAddress& child, const std::string& bonded, const std::vector<std::string>& taken,
                             const Objects& objects, const std::vector<std::string>& allowed) {
  const auto those_of_address = [&](const std::string& address) {
    const auto is_meant = [&](const DeviceSeen& device) { return device.address == address; };
    return within_reach(child, objects, allowed, is_meant);
  };
  Devices found;
  if (!bonded.empty()) {
    found = those_of_address(bonded);
    // Each adapter has bonds of its own.
    keep_if_any(found, [](const DeviceSeen* device) { return device->bonded; });
  }
  if (found.empty() && child.name.empty()) found = those_of_address(child.address);
  if (found.empty() && !child.name.empty()) {
    const auto is_meant = [&](const DeviceSeen& device) {
      return device.name == child.name && device.has_smp() && std::ranges::find(taken, device.address) == taken.end();
    };
    found = within_reach(child, objects, allowed, is_meant);
    // Devices that were connected once stay known to bluetoothd; one that is silent is no second one on the air.
    keep_if_any(found, is_heard);
    if (const auto one = is_one(found, child.name); !one) return one.error();
  }
  const auto best = std::ranges::max_element(found, is_worse);
  if (best != found.end()) return **best;
  const std::string who = child.name.empty() ? child.address : "'" + child.name + "'";
  const std::string why = has_adapter(child, objects, allowed) ? "" : ": no adapter that it may be served by is on";
  return Error{Errc::not_found, who + " is not in sight" + why};
}

}  // namespace hg::ble
