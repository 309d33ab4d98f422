// SPDX-License-Identifier: Apache-2.0
#include "ble/strangers.hpp"

#include <algorithm>

#include "ble/address.hpp"
#include "wire/frames.hpp"

namespace hg::ble {
namespace {

std::string name_for_daemon(const std::string& address) {
  std::string name = "ble-";
  for (const char c : address) {
    if (c == ':') continue;
    name += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

/// Random, but for good: the two highest bits are set (Core Specification, Vol 6, Part B, 1.3.2.1).
bool keeps_address(const DeviceSeen& device) {
  const char first = device.address.empty() ? '0' : device.address.front();
  return !device.is_random || device.bonded || (first >= 'C' && first <= 'F');
}

/// What the configuration would say: the address, unless that changes and the name can stand for it.
std::string address_for_enrollment(const DeviceSeen& device) {
  if (keeps_address(device)) return device.address;
  const std::string by_name = "name:" + device.name;
  const auto parsed = ble_address_from(by_name);
  return parsed && parsed->name == device.name ? by_name : device.address;
}

std::string text_of(const DeviceSeen& device) {
  std::string text = device.name.empty() ? "no name" : "'" + device.name + "'";
  if (*device.rssi != kNoRssi) text += ", " + std::to_string(*device.rssi) + " dBm";
  if (!keeps_address(device)) text += ", changes its address";
  return wire::bounded_text(text);
}

}  // namespace

void Strangers::look(const Objects& objects, const std::set<std::string>& children, plugin::SteadyTime now) {
  std::set<std::string> enrolled;  // addresses: a child that another adapter shows, too, is no stranger there
  for (const std::string& path : children) {
    if (const DeviceSeen* child = objects.device(path)) enrolled.insert(child->address);
  }
  std::set<std::string> looked_at;
  for (const auto& [path, device] : objects.devices()) {
    if (!device.rssi || !device.has_smp() || enrolled.contains(device.address)) continue;
    if (looked_at.insert(device.address).second) hear(device, now);
  }
  const auto is_gone = [&](const auto& known) {
    const bool gone = enrolled.contains(known.first) || now - known.second.heard >= kGoneAfter;
    if (gone) meet_(wire::Vanished{name_for_daemon(known.first)});
    return gone;
  };
  std::erase_if(known_, is_gone);
}

void Strangers::hear(const DeviceSeen& device, plugin::SteadyTime now) {
  const auto found = known_.find(device.address);
  if (found == known_.end()) {
    if (known_.size() < kMost) tell(device, known_[device.address], now);
    return;
  }
  Known& known = found->second;
  if (known.count == device.heard) return;  // still shown, but silent
  known.count = device.heard;
  known.heard = now;
  const bool has_other_name = !device.name.empty() && device.name != known.name;
  if (has_other_name && (known.name.empty() || now - known.told >= kNextNameAfter)) tell(device, known, now);
}

void Strangers::tell(const DeviceSeen& device, Known& known, plugin::SteadyTime now) {
  known = {device.name, device.heard, now, now};
  meet_(wire::Discovered{name_for_daemon(device.address), address_for_enrollment(device), std::nullopt, std::nullopt,
                         text_of(device)});
}

}  // namespace hg::ble
