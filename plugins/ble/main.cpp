// SPDX-License-Identifier: Apache-2.0
// headgate-ble: the plugin for children that speak SMP over GATT (smp.md 2.3), through bluetoothd (docs/ble.md).
#include <array>
#include <charconv>

#include "ble/ble_driver.hpp"

namespace {

using namespace hg;

Result<unsigned> number_in(const plugin::Setup& setup, const std::string& name, unsigned otherwise, unsigned most) {
  const auto given = setup.options.find(name);
  if (given == setup.options.end()) return otherwise;
  unsigned value = 0;
  const std::string& text = given->second;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || value == 0 || value > most) {
    return Error{Errc::invalid, "--" + name + ": not a number from 1 to " + std::to_string(most) + ": " + text};
  }
  return value;
}

/// "hci0,00:AA:01:00:00:00", upper case where they are addresses.
std::vector<std::string> adapters_in(const std::string& list) {
  std::vector<std::string> adapters;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    std::string adapter = list.substr(at, end - at);
    if (adapter.find(':') != std::string::npos) {
      for (char& c : adapter) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    if (!adapter.empty()) adapters.push_back(std::move(adapter));
    at = end + 1;
  }
  return adapters;
}

Result<ble::RadioSettings> radio_settings(const plugin::Setup& setup) {
  ble::RadioSettings settings;
  const auto connections = number_in(setup, "connections", settings.connections, 32);
  const auto transfers = number_in(setup, "transfers", settings.transfers, 32);
  if (!connections) return connections.error();
  if (!transfers) return transfers.error();
  const auto adapters = setup.options.find("adapters");
  if (adapters != setup.options.end()) settings.adapters = adapters_in(adapters->second);
  settings.connections = std::max(*connections, *transfers);
  settings.transfers = *transfers;
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string software = std::string("headgate-ble ") + HEADGATE_VERSION;
  const std::array<plugin::OwnOption, 4> options = {{
      {"bus", "ADDRESS", "where bluetoothd is: \"system\" (the default), or a D-Bus address"},
      {"adapters", "LIST", "adapters that may be used, by name or address, with commas; default: all"},
      {"connections", "N", "children that may be connected at a time, of each adapter; default: 4"},
      {"transfers", "N", "children that may be sent images at a time, of each adapter; default: 2"},
  }};
  const auto make = [&software](const plugin::Setup& setup) -> Result<std::unique_ptr<plugin::Driver>> {
    auto settings = radio_settings(setup);
    if (!settings) return settings.error();
    const auto bus = setup.options.find("bus");
    const std::string where = bus == setup.options.end() ? "system" : bus->second;
    auto driver = ble::BleDriver::make(setup, software, where, std::move(*settings));
    if (!driver) return driver.error();
    return std::unique_ptr<plugin::Driver>(std::move(*driver));
  };
  return plugin::run_program(argc, argv, {"ble", software, smp::kCapabilities | wire::kCanHoldKeys}, make, options);
}
