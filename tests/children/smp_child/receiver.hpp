// SPDX-License-Identifier: Apache-2.0
// From the bytes of a serial line to packets, and back: console framing (smp.md 2.1) with the line buffers of Zephyr's
// UART driver, or raw framing (2.2), where only the header tells where a packet ends. Used by the serial link.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "framing.hpp"
#include "loop.hpp"
#include "options.hpp"

namespace smp_child {

class Receiver {
 public:
  using OnPacket = std::function<void(Bytes packet)>;

  virtual ~Receiver() = default;

  virtual void feed(std::string_view bytes) = 0;

  /// How many of the bytes on the line must be in before anything can come of them: 1 to all.
  [[nodiscard]] virtual std::size_t to_next_event(std::string_view coming) const = 0;

  /// Forgets what is half in.
  virtual void clear() = 0;

  /// A packet in the pieces in which it is sent.
  [[nodiscard]] virtual std::vector<std::string> pieces(ByteView packet) const = 0;

  /// Zephyr's limits and way of cutting, or MCUboot's.
  virtual void set_bootloader(bool bootloader) = 0;

  /// Called when bytes that waited were taken, or dropped, without a feed.
  std::function<void()> on_later = [] {};

  /// Lines and packets lost so far.
  [[nodiscard]] virtual std::size_t losses() const = 0;
};

std::unique_ptr<Receiver> make_receiver(const LinkOptions& options, Loop& loop, Receiver::OnPacket on_packet);

}  // namespace smp_child
