// SPDX-License-Identifier: Apache-2.0
#include "coap/device_object.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "coap/link_format.hpp"

namespace hg::coap {
namespace {

constexpr std::uint16_t kManufacturer = 0;
constexpr std::uint16_t kModel = 1;
constexpr std::uint16_t kSerial = 2;
constexpr std::uint16_t kFirmwareVersion = 3;
constexpr std::uint16_t kPowerSources = 6;
constexpr std::uint16_t kBatteryLevel = 9;
constexpr std::uint16_t kMemoryFree = 10;
constexpr std::uint16_t kErrorCode = 11;
constexpr std::uint16_t kHardwareVersion = 18;
constexpr std::uint16_t kBatteryStatus = 20;

constexpr std::int64_t kMostPercent = 100;
constexpr std::uint64_t kMemoryUnit = 1000;                  // bytes
constexpr std::int64_t kMostMemory = std::int64_t{1} << 40;  // in kMemoryUnit
constexpr std::size_t kMaxErrors = 16;

// Resource 6.
constexpr std::array<std::int64_t, 2> kBatteries{1, 2};
constexpr std::array<std::int64_t, 4> kMains{0, 4, 5, 6};  // DC, PoE, USB, AC
// Resource 11.
constexpr std::int64_t kExternalPowerOff = 2;
constexpr std::array<std::string_view, 9> kErrors{"",
                                                  "low battery",
                                                  "external power supply off",
                                                  "GPS failure",
                                                  "low signal strength",
                                                  "out of memory",
                                                  "SMS failure",
                                                  "IP connectivity failure",
                                                  "peripheral malfunction"};

std::vector<std::int64_t> integers_in(const InstanceView& device, std::uint16_t resource) {
  std::vector<std::int64_t> numbers;
  for (const Value* value : device.values(resource)) {
    if (const auto number = value->integer()) numbers.push_back(*number);
  }
  return numbers;
}

bool has_any(const std::vector<std::int64_t>& numbers, const auto& wanted) {
  return std::ranges::any_of(numbers,
                             [&](std::int64_t number) { return std::ranges::find(wanted, number) != wanted.end(); });
}

std::vector<std::string> errors_from(const std::vector<std::int64_t>& codes) {
  std::vector<std::string> errors;
  for (const std::int64_t code : codes) {
    if (code == 0) continue;
    if (errors.size() == kMaxErrors) break;
    const bool is_known = code > 0 && code < static_cast<std::int64_t>(kErrors.size());
    errors.push_back(is_known ? std::string(kErrors[static_cast<std::size_t>(code)])
                              : "error " + std::to_string(code) + " of the device");
  }
  return errors;
}

std::optional<BatteryStatus> battery_status_in(const InstanceView& device) {
  const auto status = device.integer(kBatteryStatus);
  if (!status) return std::nullopt;
  const bool is_known = *status >= 0 && *status < static_cast<std::int64_t>(BatteryStatus::unknown);
  return is_known ? static_cast<BatteryStatus>(*status) : BatteryStatus::unknown;
}

std::optional<std::uint8_t> battery_percent_in(const InstanceView& device, const std::vector<std::int64_t>& sources,
                                               std::optional<BatteryStatus> status) {
  const auto level = device.integer(kBatteryLevel);
  if (!level || *level < 0 || *level > kMostPercent || status == BatteryStatus::not_installed) return std::nullopt;
  if (sources.empty() ? *level == 0 : !has_any(sources, kBatteries)) return std::nullopt;
  return static_cast<std::uint8_t>(*level);
}

wire::Power power_from(const std::vector<std::int64_t>& sources, const std::vector<std::int64_t>& errors,
                       std::optional<BatteryStatus> status) {
  const bool is_cut_off = std::ranges::find(errors, kExternalPowerOff) != errors.end();
  if (!is_cut_off && (status == BatteryStatus::charging || has_any(sources, kMains))) return wire::Power::mains;
  return sources.empty() && !is_cut_off ? wire::Power::unknown : wire::Power::battery;
}

}  // namespace

Result<Device> device_from(const Resources& resources) {
  const InstanceView said = resources.of(kDeviceObject, 0);
  if (!said.is_there()) return Error{Errc::not_found, "the child said nothing of /3/0 (Device)"};
  Device device;
  device.manufacturer = said.text(kManufacturer).value_or("");
  device.model = said.text(kModel).value_or("");
  device.serial = said.text(kSerial).value_or("");
  device.firmware_version = said.text(kFirmwareVersion).value_or("");
  device.hardware_version = said.text(kHardwareVersion).value_or("");
  const auto sources = integers_in(said, kPowerSources);
  const auto errors = integers_in(said, kErrorCode);
  device.battery_status = battery_status_in(said);
  device.battery_percent = battery_percent_in(said, sources, device.battery_status);
  device.power = power_from(sources, errors, device.battery_status);
  device.errors = errors_from(errors);
  if (const auto free = said.integer(kMemoryFree); free && *free >= 0 && *free <= kMostMemory) {
    device.memory_free = static_cast<std::uint64_t>(*free) * kMemoryUnit;
  }
  return device;
}

}  // namespace hg::coap
