// SPDX-License-Identifier: Apache-2.0
// One image on its way into a child (Zephyr "Image management group", upload). Where to go on is asked of the child,
// never remembered: the first request goes alone and carries the SHA-256 of the whole file, and whatever offset is
// answered is gone to, also backwards. From then on as many requests are on their way as pace says. A child works in
// the order in which it was sent to, so an answer to a later request tells that an earlier one was lost. It commits
// nothing. That the image really stands there is for the image list to say: updater asks it.
#pragma once

#include <functional>

#include "smp/pace.hpp"
#include "smp/upload_request.hpp"

namespace hg::smp {

enum class UploadEnd {
  complete,     ///< the child says that it has all of it
  start_again,  ///< the answer to the last packet was lost and the child has no upload any more: the list must tell
};

class Upload {
 public:
  using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

  /// `pace` has been found for this opening of the link.
  Upload(Session& session, Pace& pace, Clock& clock, const Profile& profile)
      : session_(&session), pace_(&pace), clock_(&clock), profile_(&profile) {}

  /// Errc::io: the child takes no more bytes at some offset, or cannot write them, or the file cannot be read;
  /// Errc::mismatch: what the child wrote is not what was sent; Errc::invalid: what it answers makes no sense;
  /// Errc::timed_out, unavailable, cancelled, and the child's refusals.
  boost::asio::awaitable<Result<UploadEnd>> run(UploadSource source, Progress progress);

 private:
  Session* session_;
  Pace* pace_;
  Clock* clock_;
  const Profile* profile_;
};

}  // namespace hg::smp
