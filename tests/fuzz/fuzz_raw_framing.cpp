// SPDX-License-Identifier: Apache-2.0
// What may come out of a raw UART: any bytes, in any pieces. The first byte of the input says how large the pieces are;
// however they are cut, the same packets must come out, each as long as its header says, and they must be what was
// received, from its beginning on.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "smp/raw_framing.hpp"

namespace {

using Packets = std::vector<hg::Bytes>;

Packets decode(hg::ByteView received, std::size_t piece) {
  hg::smp::RawDecoder decoder;
  Packets packets;
  const auto keep = [&packets](hg::Bytes packet) { packets.push_back(std::move(packet)); };
  for (std::size_t at = 0; at < received.size(); at += piece) {
    decoder.feed(received.subspan(at, std::min(piece, received.size() - at)), keep);
  }
  return packets;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const hg::ByteView input(data + 1, size - 1);
  const Packets whole = decode(input, input.size() + 1);
  if (decode(input, data[0] % 16U + 1) != whole) std::abort();
  std::size_t at = 0;
  for (const hg::Bytes& packet : whole) {
    if (packet.size() < 8 || packet.size() != 8U + (unsigned{packet[2]} << 8U | packet[3])) std::abort();
    if (!std::ranges::equal(packet, input.subspan(at, packet.size()))) std::abort();
    at += packet.size();
  }
  return 0;
}
