// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include "seqpacket_link.hpp"
#include "serial_link.hpp"
#include "udp_link.hpp"

namespace smp_child {

std::unique_ptr<Link> make_link(const Options& options, Loop& loop, Record& record, Link::OnPacket on_packet) {
  if (options.link.udp) return std::make_unique<UdpLink>(options.link, loop, record, std::move(on_packet));
  if (!options.link.seqpacket.empty()) {
    return std::make_unique<SeqpacketLink>(options.link, loop, record, std::move(on_packet));
  }
  return std::make_unique<SerialLink>(options, loop, record, std::move(on_packet));
}

}  // namespace smp_child
