// SPDX-License-Identifier: Apache-2.0
// How much of the air a transfer takes: an estimate from the bytes of its packets, since no controller tells. LE 1M
// PHY, data length extension as most controllers have it: 8 us a byte, packets of at most 251 bytes of payload, each
// with preamble, access address, header, MIC and CRC, followed by an empty packet of the peer, 150 us between them
// (Core Specification, Vol 6, Part B, 2.1 and 4.1). Pure; link counts with it, and shows it to people.
#pragma once

#include <chrono>
#include <cstddef>

namespace hg::ble {

/// The air that one ATT value of so many bytes takes, L2CAP and ATT headers included, with its acknowledgement.
std::chrono::microseconds airtime_of(std::size_t value_bytes);

}  // namespace hg::ble
