// SPDX-License-Identifier: Apache-2.0
// The way to one child: whole SMP packets out and in. A serial line, a GATT characteristic or a UDP socket is behind
// it; it frames, reassembles, opens and reopens. It neither retries nor matches answers: session does.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "smp/clock.hpp"

namespace hg::smp {

class Link {
 public:
  virtual ~Link() = default;

  /// Sends one packet, which stays valid until it returns. Errc::unavailable: the link is down; Errc::timed_out: it
  /// takes no bytes; Errc::cancelled.
  virtual boost::asio::awaitable<Result<void>> write(ByteView packet, SteadyTime deadline) = 0;

  /// The next packet of the child, also one that came before the call. Errors as for write().
  virtual boost::asio::awaitable<Result<Bytes>> read(SteadyTime deadline) = 0;

  /// An answer did not come: whatever half-sent thing stands in the child's buffer is to be cleared with the next
  /// packet.
  virtual void resynchronize() {}

  /// When the link came up last: what was learned of the child before is then no longer certain.
  struct Opening {
    std::uint64_t number = 0;  ///< 0: never yet
    SteadyTime at{};
  };
  [[nodiscard]] virtual Opening opening() const = 0;
};

}  // namespace hg::smp
