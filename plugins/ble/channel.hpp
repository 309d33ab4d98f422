// SPDX-License-Identifier: Apache-2.0
// The SMP characteristic of one connected child: fragments out, notifications in. Two kinds stand behind it:
// descriptor_channel (AcquireWrite, AcquireNotify: data past the bus) and message_channel (WriteValue, StartNotify: for
// children and BlueZ builds that cannot do the former). It knows no SMP but where a packet is cut; link owns one for
// each connection.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "sdk/driver.hpp"

namespace hg::ble {

class Channel {
 public:
  /// An attribute value is never longer (Core Specification, Vol 3, Part F, 3.2.9), and BlueZ 5.66 cuts longer packets
  /// off without a word.
  static constexpr std::size_t kLongestValue = 512;
  static constexpr std::size_t kAttHeader = 3;
  static constexpr std::size_t kLeastMtu = 23;
  /// Bytes of one write command over a connection with this ATT MTU.
  [[nodiscard]] static constexpr std::size_t fragment_of(std::size_t mtu) {
    return std::min(std::max(mtu, kLeastMtu) - kAttHeader, kLongestValue);
  }

  virtual ~Channel() = default;

  /// All of the packet, in fragments of fragment() bytes, back to back; stays valid until it returns. EAGAIN is flow
  /// control and waited for. Errc::unavailable: the connection is gone; Errc::timed_out: it takes no bytes, and the
  /// channel is closed then, because half a packet may be out; Errc::cancelled: the same.
  virtual boost::asio::awaitable<Result<void>> write(ByteView packet, plugin::SteadyTime deadline) = 0;

  /// The next notification, of 1 to 512 bytes; empty ones and longer ones are none. Errc::unavailable: the connection
  /// is gone, or close(); Errc::cancelled.
  virtual boost::asio::awaitable<Result<Bytes>> receive() = 0;

  /// Bytes of one write command: min(ATT MTU - 3, 512).
  [[nodiscard]] virtual std::size_t fragment() const = 0;

  /// Ends both; idempotent.
  virtual void close() = 0;
};

}  // namespace hg::ble
