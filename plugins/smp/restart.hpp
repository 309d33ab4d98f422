// SPDX-License-Identifier: Apache-2.0
// A child's resets: asking for one, waiting until it is back, and knowing when none can still be to come. A reset is
// never repeated because an answer did not come: only when the child shows, later than a reset would have happened,
// that nothing changed (docs/plugin-protocol.md). A child that our own packets caught in its bootloader's recovery (any
// does, while the bootloader listens: reference smp.md, section 6) is let go by a reset and silence; one that comes
// back is there for a reason. updater calls it, and recovery at the end of what went wrong.
#pragma once

#include "smp/inquiry.hpp"

namespace hg::smp {

class Restart {
 public:
  Restart(Inquiry& inquiry, Link& link, Clock& clock, const Profile& profile)
      : inquiry_(&inquiry), link_(&link), clock_(&clock), profile_(&profile) {}

  /// What the child shows when nothing that was sent earlier, by us or by who had the line before, can still take
  /// effect. One that is found in recovery though an application ran, or though the first look in an opening shows an
  /// image that could, has been let go. Errors of Session::ask().
  boost::asio::awaitable<Result<Sight>> settled(SteadyTime deadline);

  /// Resets the child and waits until it is back. Errc::timed_out: it has not come back, or takes no reset; Errc::busy:
  /// it does not want to be reset now; Errc::cancelled (the reset may be on its way).
  boost::asio::awaitable<Result<Sight>> reset(Sight before, SteadyTime deadline);

  /// The end of every work in recovery that went wrong, also of one that was cancelled, in four seconds at most: one
  /// reset, if the first slot of this image number is listed and so can boot (docs/decisions/0012). Whether it was
  /// sent; what comes of it is not waited for. Cancellation is ignored from then on.
  boost::asio::awaitable<bool> leave_recovery(std::uint8_t image);

  /// How often our packets may have caught the child in its bootloader: such a start is a test that nobody confirmed.
  [[nodiscard]] unsigned times_caught() const { return times_caught_; }

 private:
  /// What was there after a reset was sent.
  struct Back {
    Slots listed;
    bool was_away = false;  // it was silent in between
  };
  boost::asio::awaitable<Result<bool>> send(SteadyTime deadline);
  boost::asio::awaitable<Result<Back>> wait_back(Slots before, bool is_answered, SteadyTime deadline);
  boost::asio::awaitable<Result<Sight>> release(Sight caught, unsigned most, SteadyTime deadline);
  boost::asio::awaitable<void> keep_quiet(SteadyTime deadline);
  boost::asio::awaitable<void> pause(Milliseconds time, SteadyTime deadline);
  void expect_reset();
  void note_application();
  [[nodiscard]] unsigned releases_due(const Sight& sight, bool is_first_look) const;
  [[nodiscard]] Milliseconds latest_reset() const;
  [[nodiscard]] Milliseconds silence(unsigned tries) const;

  Inquiry* inquiry_;
  Link* link_;
  Clock* clock_;
  const Profile* profile_;
  std::uint64_t opening_ = 0;
  SteadyTime quiet_until_{};      // a reset that was asked for earlier has happened by then
  bool is_unseen_ = true;         // in this opening
  bool had_application_ = false;  // ever
  unsigned releases_ = 0;         // out of recovery, since an application was seen or a reset asked for
  unsigned times_caught_ = 0;
  Milliseconds caught_after_{0};  // so long after a reset its bootloader listened, when it was caught
};

}  // namespace hg::smp
