// SPDX-License-Identifier: Apache-2.0
// What carries packets between the client and the child: a serial line, UDP or a SOCK_SEQPACKET socket. Used by the
// child.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bytes.hpp"
#include "loop.hpp"
#include "options.hpp"
#include "record.hpp"

namespace smp_child {

/// A packet, and whom to answer: a number that the link gave to the sender.
struct Packet {
  Bytes bytes;
  std::size_t peer = 0;
};

class Link {
 public:
  using OnPacket = std::function<void(Packet packet)>;

  virtual ~Link() = default;
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// The way to the client comes and goes; `where` is what the client opens.
  virtual void appear() = 0;
  virtual void vanish() = 0;
  [[nodiscard]] virtual std::string where() const = 0;

  /// Deaf: what comes in is thrown away, what was half in or half out is lost.
  virtual void set_deaf(bool deaf) = 0;

  /// The bootloader listens from now on, or the application.
  virtual void set_bootloader(bool bootloader) = 0;

  virtual void send(const Packet& packet) = 0;

  /// Text on a console that is shared with SMP; nothing elsewhere.
  virtual void send_text(std::string_view text) = 0;

  /// Whether an answer is still on its way out.
  [[nodiscard]] virtual bool sending() const = 0;

  /// Bytes that came in so far.
  [[nodiscard]] virtual std::uint64_t received() const = 0;

  /// Called when a client closed its end, where the link can see that.
  std::function<void()> on_closed = [] {};
};

std::unique_ptr<Link> make_link(const Options& options, Loop& loop, Record& record, Link::OnPacket on_packet);

}  // namespace smp_child
