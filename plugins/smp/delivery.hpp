// SPDX-License-Identifier: Apache-2.0
// How an image gets onto a child that runs: into the slot beside what runs. What forbids it is said by name before a
// byte is sent; whether it arrived is for the child's list to say, not for the last answer (reference smp.md, sections
// 4.1 and 4.3). It neither marks nor resets. updater calls it; a child in recovery is for recovery.hpp.
#pragma once

#include "smp/brought.hpp"
#include "smp/inquiry.hpp"
#include "smp/upload.hpp"

namespace hg::smp {

class Delivery {
 public:
  Delivery(Inquiry& inquiry, Session& session, Pace& pace, Clock& clock, const Profile& profile, Brought& brought)
      : inquiry_(&inquiry), session_(&session), pace_(&pace), clock_(&clock), profile_(&profile), brought_(&brought) {}

  /// `sight` is settled; Errc::unsupported: images have no place aside; Errc::busy: another
  /// mark or test must be played through first; Errc::too_large; Errc::denied: another image number holds the same
  /// image; Errc::mismatch: sent, but the child does not list it; errors of Upload::run().
  boost::asio::awaitable<Result<void>> aside(Sight sight, plugin::Job job, wire::Deliver request,
                                             plugin::ImageView image);

 private:
  boost::asio::awaitable<Result<void>> send(wire::Deliver request, UploadSource source, std::uint8_t slot,
                                            plugin::Job job);
  boost::asio::awaitable<Result<void>> make_clean(std::uint8_t slot_over_all);
  boost::asio::awaitable<Result<void>> prove(std::uint8_t image, Digest digest);

  Inquiry* inquiry_;
  Session* session_;
  Pace* pace_;
  Clock* clock_;
  const Profile* profile_;
  Brought* brought_;
};

/// The image number that an upload to this slot must carry, from slot sizes that may be missing.
std::uint8_t upload_number(const std::vector<SlotSize>& sizes, std::uint8_t image, std::uint8_t slot);
/// Errc::too_large when the child says that this slot does not take so much.
Result<void> check_fits(const std::vector<SlotSize>& sizes, std::uint8_t image, std::uint8_t slot, std::uint64_t size);

}  // namespace hg::smp
