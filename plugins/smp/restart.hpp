// SPDX-License-Identifier: Apache-2.0
// A child's resets: asking for one, waiting until it is back, and knowing when none can still be to come. A reset is
// never repeated because an answer did not come: only when the child shows, later than a reset would have happened,
// that nothing changed (docs/plugin-protocol.md). A child that our own waiting caught in its bootloader's recovery (any
// packet does, while the bootloader listens: reference smp.md, section 6) is let go by a reset and silence. updater
// calls it.
#pragma once

#include "smp/inquiry.hpp"

namespace hg::smp {

class Restart {
 public:
  Restart(Inquiry& inquiry, Link& link, Clock& clock, const Profile& profile)
      : inquiry_(&inquiry), link_(&link), clock_(&clock), profile_(&profile) {}

  /// What the child shows when nothing that was sent earlier, by us or by who had the line before, can still take
  /// effect. Errors of Session::ask().
  boost::asio::awaitable<Result<Sight>> settled(SteadyTime deadline);

  /// Resets the child and waits until it is back. Errc::timed_out: it has not come back, or takes no reset; Errc::busy:
  /// it does not want to be reset now; Errc::cancelled (the reset may be on its way).
  boost::asio::awaitable<Result<Sight>> reset(Sight before, SteadyTime deadline);

  /// The end of every work in recovery that did not come to its end: one reset, also when the step was cancelled, in
  /// two seconds at most. Nothing is waited for. Cancellation is ignored from then on.
  boost::asio::awaitable<void> leave_recovery();

  /// How often our waiting has caught the child in its bootloader: such a start is a test that nobody confirmed.
  [[nodiscard]] unsigned times_caught() const { return times_caught_; }

 private:
  /// What was there after a reset was sent.
  struct Back {
    Slots listed;
    bool was_away = false;  // it was silent in between
  };
  boost::asio::awaitable<Result<bool>> send(SteadyTime deadline);
  boost::asio::awaitable<Result<Back>> wait_back(Slots before, bool is_answered, SteadyTime deadline);
  boost::asio::awaitable<Result<Sight>> release(Sight caught, SteadyTime deadline);
  boost::asio::awaitable<void> pause(Milliseconds time, SteadyTime deadline);
  void expect_reset();
  [[nodiscard]] Milliseconds latest_reset() const;
  [[nodiscard]] Milliseconds silence(unsigned tries) const;

  Inquiry* inquiry_;
  Link* link_;
  Clock* clock_;
  const Profile* profile_;
  std::uint64_t opening_ = 0;
  SteadyTime quiet_until_{};      // a reset that was asked for earlier has happened by then
  bool had_application_ = false;  // when it was last looked at
  unsigned times_caught_ = 0;
  Milliseconds caught_after_{0};  // so long after a reset its bootloader listened, when it was caught
};

}  // namespace hg::smp
