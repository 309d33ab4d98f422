// SPDX-License-Identifier: Apache-2.0
// Those who advertise the SMP service and are nobody's child: told to the daemon so that people can enroll them, and
// left alone otherwise. Pure but for the telling; radio feeds it after each change.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "ble/objects.hpp"
#include "sdk/driver.hpp"

namespace hg::ble {

class Strangers {
 public:
  /// How long after it was heard last one counts as gone.
  static constexpr std::chrono::minutes kGoneAfter{10};
  /// A name that changes again is not told earlier.
  static constexpr std::chrono::seconds kNextNameAfter{10};
  /// At most so many are told of at a time.
  static constexpr std::size_t kMost = 256;

  explicit Strangers(plugin::MeetingReport meet) : meet_(std::move(meet)) {}

  /// `children`: paths of the devices that are somebody's; whatever other adapter shows such an address is no stranger
  /// either, and who becomes somebody's vanishes. A device is heard of when it has an RSSI and was heard
  /// again (DeviceSeen::heard); it is told of once, and
  /// again when its name changes; its name for the daemon is "ble-c0ffee001122", its address the one that an enrollment
  /// would have ("name:…" for one that changes its address), its text the advertised name and the RSSI at that time.
  /// To be called every minute or so also when nothing changes, or nobody is ever gone.
  void look(const Objects& objects, const std::set<std::string>& children, plugin::SteadyTime now);

 private:
  struct Known {
    std::string name;         // as advertised
    std::uint64_t count = 0;  // DeviceSeen::heard
    plugin::SteadyTime heard;
    plugin::SteadyTime told;
  };

  void hear(const DeviceSeen& device, plugin::SteadyTime now);
  void tell(const DeviceSeen& device, Known& known, plugin::SteadyTime now);

  plugin::MeetingReport meet_;
  std::map<std::string, Known> known_;  // by address
};

}  // namespace hg::ble
