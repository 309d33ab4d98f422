// SPDX-License-Identifier: Apache-2.0
// Object 3, Device (OMA registry, 1.0 to 1.2): what runs on a child, how it is powered and what is wrong with it.
// Called by lwm2m's inspection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coap/resource.hpp"
#include "wire/frames.hpp"

namespace hg::coap {

/// Resource 20.
enum class BatteryStatus : std::uint8_t { normal, charging, complete, damaged, low, not_installed, unknown };

/// What the child did not say is empty.
struct Device {
  std::string manufacturer{};      ///< 0
  std::string model{};             ///< 1
  std::string serial{};            ///< 2
  std::string firmware_version{};  ///< 3
  std::string hardware_version{};  ///< 18
  /// 9. Nothing where no battery is among the power sources (6), or none is said and the level is 0: a child on the
  /// mains may say 0.
  std::optional<std::uint8_t> battery_percent{};
  std::optional<BatteryStatus> battery_status{};  ///< 20
  wire::Power power = wire::Power::unknown;       ///< from 6, 11 and 20
  std::optional<std::uint64_t> memory_free{};     ///< 10, bytes
  std::vector<std::string> errors{};              ///< 11, what is wrong now: "low battery"
};

/// Errc::not_found: nothing of /3/0 was said.
Result<Device> device_from(const Resources& resources);

}  // namespace hg::coap
