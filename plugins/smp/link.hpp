// SPDX-License-Identifier: Apache-2.0
// The way to one child: whole SMP packets out and in. A serial line, a GATT characteristic or a UDP socket is behind
// it; it frames, reassembles, opens and reopens. It neither retries nor matches answers: session does.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

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

  /// What this kind of link carries; the child's own limits come on top (packet_size, window).
  struct Limits {
    std::size_t largest_packet = 0;  ///< that the link itself carries, SMP header included
    /// Sizes worth trying, ascending. The first has to pass everywhere and to take the first request of an upload.
    std::vector<std::size_t> steps;
    unsigned first_window = 1;         ///< requests in flight to begin with
    bool is_lossy_on_overrun = false;  ///< what comes faster than the child takes it is lost silently
    bool has_lines = false;            ///< packets travel in lines: set_line_gap() means something
    /// Opened while a step wants it and closed when none does: a new opening does not mean that the child may have
    /// started, and no bootloader listens for whoever comes first.
    bool is_opened_on_demand = false;
  };
  /// The same for one opening. Here: the console framing, of which n lines carry 93 n - 4 bytes.
  [[nodiscard]] virtual const Limits& limits() const {
    static const Limits console{8 * 1024, {128, 182, 368, 740, 1484, 2972}, 1, true, true};
    return console;
  }

  /// From the next packet on, pauses so long between two lines of a packet; 0: not at all. What the profile fixes
  /// stays.
  virtual void set_line_gap(Milliseconds /*gap*/) {}

  /// The child's own report of how this link is protected, from the kit's status (docs/child-protocol.md): level 1 to 4
  /// of LE security mode 1; 0: its kit does not say. Called each time that a status came over this link.
  virtual void child_says_level(std::uint8_t /*level*/) {}

  /// When the link came up last: what was learned of the child before is then no longer certain.
  struct Opening {
    std::uint64_t number = 0;  ///< 0: never yet
    SteadyTime at{};
  };
  [[nodiscard]] virtual Opening opening() const = 0;
};

}  // namespace hg::smp
