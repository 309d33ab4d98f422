// SPDX-License-Identifier: Apache-2.0
// The steps of an update as the daemon asks for them, for one child with an SMP server and MCUboot: inspect, deliver,
// activate, confirm, revert (reference smp.md, section 4.7). The child's image list is the only proof: every order
// reads it before and after, and a reset is never repeated before the list has shown that it was lost. It decides
// nothing about whether an update should happen. smp_driver owns one for each child and calls one step at a time.
#pragma once

#include <optional>

#include "smp/bootloader.hpp"
#include "smp/upload.hpp"

namespace hg::smp {

class Updater {
 public:
  Updater(Link& link, Clock& clock, Profile profile);

  boost::asio::awaitable<Result<wire::Seen>> inspect(plugin::Job job);
  boost::asio::awaitable<Result<void>> deliver(plugin::Job job, wire::Deliver request, int image);
  boost::asio::awaitable<Result<plugin::Outcome>> activate(plugin::Job job, wire::Activate request);
  boost::asio::awaitable<Result<plugin::Outcome>> confirm(plugin::Job job, wire::Confirm request);
  boost::asio::awaitable<Result<plugin::Outcome>> revert(plugin::Job job, wire::Revert request);

 private:
  /// The list, read when nothing that was sent earlier can still take effect.
  boost::asio::awaitable<Result<Slots>> settled_list(SteadyTime deadline);
  boost::asio::awaitable<Result<Slots>> list(Patience patience);
  boost::asio::awaitable<void> learn_bootloader(SteadyTime deadline);
  wire::Seen seen_from(Slots slots) const;
  plugin::Outcome outcome(bool guard_held, Slots slots) const { return {guard_held, seen_from(std::move(slots))}; }

  boost::asio::awaitable<Result<void>> prove_delivered(std::uint8_t image, Digest digest);
  boost::asio::awaitable<Result<Slots>> mark(std::uint8_t image, Digest goal, Slots slots, SteadyTime deadline);
  boost::asio::awaitable<Result<Slots>> confirm_active(std::uint8_t image, Digest active, Slots slots,
                                                       SteadyTime deadline);
  /// Resets the child and waits until it is back with a list that differs from `before`.
  boost::asio::awaitable<Result<Slots>> reset(Slots before, SteadyTime deadline);
  boost::asio::awaitable<Result<bool>> send_reset(SteadyTime deadline);
  boost::asio::awaitable<Result<Slots>> wait_back(Slots before, SteadyTime sent, SteadyTime deadline);
  boost::asio::awaitable<Result<Slots>> step_back(wire::Move request, Slots slots, SteadyTime deadline);

  [[nodiscard]] Patience question(SteadyTime deadline) const;

  Link* link_;
  Clock* clock_;
  Profile profile_;
  Session session_;
  PacketSize packet_size_;
  BootloaderInfo bootloader_;
  std::uint64_t bootloader_of_ = 0;  // the opening in which it was asked for
  std::uint64_t opening_ = 0;
  SteadyTime quiet_until_{};  // a reset that was asked for earlier has happened by then
};

}  // namespace hg::smp
