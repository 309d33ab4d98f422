// SPDX-License-Identifier: Apache-2.0
#include "ble/packet_steps.hpp"

#include <algorithm>

#include "ble/channel.hpp"

namespace hg::ble {
namespace {

constexpr std::size_t kSmallestFragment = 20;  // ATT MTU 23, which every device has
constexpr std::size_t kFirstRequest = 96;      // the first request of an upload, with its digest and 32 bytes of image
constexpr std::size_t kLargestPacket = 4096;   // twice what Zephyr's samples have for their buffers

}  // namespace

smp::Link::Limits limits_for(std::size_t fragment) {
  fragment = std::clamp(fragment, kSmallestFragment, Channel::kLongestValue);
  const std::size_t first = (kFirstRequest + fragment - 1) / fragment * fragment;
  const std::size_t last = kLargestPacket / fragment * fragment;
  smp::Link::Limits limits{kLargestPacket, {}, 1, true, false};
  limits.is_opened_on_demand = true;
  for (std::size_t step = first; step < last; step *= 2) limits.steps.push_back(step);
  limits.steps.push_back(last);
  return limits;
}

}  // namespace hg::ble
