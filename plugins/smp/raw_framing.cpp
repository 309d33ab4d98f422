// SPDX-License-Identifier: Apache-2.0
#include "smp/raw_framing.hpp"

#include <algorithm>

#include "smp/packet.hpp"

namespace hg::smp {
namespace {

/// Of the packet whose header stands in `bytes`, its header included.
std::size_t size_of_packet(ByteView bytes) {
  return kHeaderSize + (std::size_t{bytes[2]} << 8U | std::size_t{bytes[3]});
}

/// Reserved bits are 0, there are two versions, and answers have odd operations.
bool may_begin_answer(std::uint8_t first) {
  const unsigned op = first & 0x07U;
  const unsigned version = first >> 3U & 0x03U;
  return first >> 5U == 0 && version <= 1 && (op == 1 || op == 3);
}

}  // namespace

void RawDecoder::reset() {
  packet_.clear();
  is_out_of_step_ = false;
}

std::size_t RawDecoder::take(ByteView received) {
  const bool has_header = packet_.size() >= kHeaderSize;
  const std::size_t wanted = has_header ? size_of_packet(packet_) : kHeaderSize;
  const std::size_t taken = std::min(received.size(), wanted - packet_.size());
  packet_.insert(packet_.end(), received.begin(), received.begin() + static_cast<std::ptrdiff_t>(taken));
  const bool is_too_long = packet_.size() >= kHeaderSize && size_of_packet(packet_) > kMaxPacket;
  is_out_of_step_ = is_too_long || !may_begin_answer(packet_.front());
  if (is_out_of_step_) packet_.clear();
  return taken;
}

bool RawDecoder::is_complete() const {
  return packet_.size() >= kHeaderSize && packet_.size() == size_of_packet(packet_);
}

}  // namespace hg::smp
