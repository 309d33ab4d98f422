// SPDX-License-Identifier: Apache-2.0
// How an image gets onto a child that is in MCUboot's serial recovery: over the slot that would run (reference smp.md,
// section 6). There is no resume, no mark and no way back. Whoever goes in lets the child out at the end, also when the
// work was cut short, unless that left nothing that could boot (docs/decisions/0012). Recognizing recovery is
// inquiry's, the reset after a delivery that went well is that of Activate. updater calls it.
#pragma once

#include "smp/delivery.hpp"
#include "smp/restart.hpp"

namespace hg::smp {

class Recovery {
 public:
  Recovery(Inquiry& inquiry, Restart& restart, Session& session, Clock& clock, const Profile& profile, Brought& brought)
      : inquiry_(&inquiry),
        restart_(&restart),
        session_(&session),
        clock_(&clock),
        profile_(&profile),
        brought_(&brought),
        pace_(profile) {}

  /// Errc::too_large; Errc::mismatch: sent, but the child lists another image; errors of Upload::run(). After every
  /// error but those found before the first byte the child has been reset, or the text says that it stays in recovery.
  boost::asio::awaitable<Result<void>> deliver(Sight sight, plugin::Job job, wire::Deliver request,
                                               plugin::ImageView image);

  /// Whether a reset can bring what these moves want: the first slot of each holds the goal, or does not say.
  static Result<void> check(std::span<const wire::Move> moves, const Slots& slots);

 private:
  boost::asio::awaitable<Result<void>> upload(plugin::Job job, wire::Deliver request, UploadSource source);

  Inquiry* inquiry_;
  Restart* restart_;
  Session* session_;
  Clock* clock_;
  const Profile* profile_;
  Brought* brought_;
  Pace pace_;  // the bootloader's buffer is not the application's
};

}  // namespace hg::smp
