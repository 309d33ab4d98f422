// SPDX-License-Identifier: Apache-2.0
#include "ble/airtime.hpp"

namespace hg::ble {
namespace {

using std::chrono::microseconds;

constexpr std::size_t kValueHeaders = 4 + 3;               // L2CAP, and opcode and handle of ATT
constexpr std::size_t kLongestPayload = 251;               // of a data packet on the air
constexpr std::size_t kAroundPayload = 1 + 4 + 2 + 4 + 3;  // preamble, access address, header, MIC, CRC
constexpr std::size_t kEmptyPacket = 1 + 4 + 2 + 3;        // carries no payload, and no MIC
constexpr microseconds kByte{8};
constexpr microseconds kBetween{150};  // T_IFS, after each packet

}  // namespace

microseconds airtime_of(std::size_t value_bytes) {
  const std::size_t payload = value_bytes + kValueHeaders;
  const std::size_t packets = (payload + kLongestPayload - 1) / kLongestPayload;
  const std::size_t bytes = payload + packets * (kAroundPayload + kEmptyPacket);
  return static_cast<microseconds::rep>(bytes) * kByte + static_cast<microseconds::rep>(2 * packets) * kBetween;
}

}  // namespace hg::ble
