// SPDX-License-Identifier: Apache-2.0
#include "smp/packet_size.hpp"

#include <algorithm>
#include <utility>

namespace hg::smp {

void PacketSize::begin(std::vector<std::size_t> steps, std::size_t most, std::size_t start, unsigned wait) {
  std::erase_if(steps, [most](std::size_t step) { return step >= most; });
  steps.push_back(most);
  steps_ = std::move(steps);
  wait_ = wait;
  go_to(std::clamp(start, steps_.front(), most));
}

std::size_t PacketSize::larger() const {
  const auto next = std::ranges::upper_bound(steps_, current_);
  return next == steps_.end() ? current_ : *next;
}

void PacketSize::go_to(std::size_t size) {
  current_ = size;
  passed_ = 0;
  lost_ = 0;
  is_trying_ = false;
}

void PacketSize::passed(std::size_t size) {
  if (size > current_) {
    wait_ = std::max(wait_ / 2, kSoon);
    return go_to(size);
  }
  if (size < current_) return;
  lost_ = 0;
  if (passed_ < kMostWait) ++passed_;
}

void PacketSize::lost(std::size_t size) {
  if (size > current_) {
    wait_ = std::min(std::max(4 * wait_, kCare), kMostWait);
    passed_ = 0;
    is_trying_ = false;
    return;
  }
  if (size < current_ || ++lost_ < kMostLost) return;
  wait_ = std::min(std::max(2 * wait_, kCare), kMostWait);
  const auto at = std::ranges::lower_bound(steps_, current_);
  go_to(at == steps_.begin() ? steps_.front() : *(at - 1));
}

void PacketSize::fall() {
  wait_ = std::max(wait_, kCare);
  go_to(least());
}

}  // namespace hg::smp
