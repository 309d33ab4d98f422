// SPDX-License-Identifier: Apache-2.0
// One image on its way into a child (Zephyr "Image management group", upload). Where to go on is asked of the child,
// never remembered: the first request carries the SHA-256 of the whole file, and whatever offset is answered is gone
// to, also backwards. It commits nothing. That the image really stands there is for the image list to say: updater asks
// it.
#pragma once

#include <functional>

#include "base/digest.hpp"
#include "smp/packet_size.hpp"
#include "smp/profile.hpp"
#include "smp/session.hpp"

namespace hg::smp {

struct UploadSource {
  int fd = -1;  ///< read by pread(); owned by the caller
  std::uint64_t size = 0;
  Digest sha256;
  std::uint8_t image_number = 0;
};

enum class UploadEnd {
  complete,     ///< the child says that it has all of it
  start_again,  ///< the answer to the last packet was lost and the child has no upload any more: the list must tell
};

class Upload {
 public:
  using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

  Upload(Session& session, PacketSize& packet_size, Clock& clock, const Profile& profile)
      : session_(&session), packet_size_(&packet_size), clock_(&clock), profile_(&profile) {}

  /// Errc::io: the child takes no more bytes at some offset, or the file cannot be read; Errc::mismatch: what the child
  /// wrote is not what was sent; Errc::timed_out, unavailable, cancelled, and the child's refusals.
  boost::asio::awaitable<Result<UploadEnd>> run(UploadSource source, Progress progress);

 private:
  struct Course;
  Result<void> fill(Course& course, const UploadSource& source);
  Result<void> take(Course& course, const UploadSource& source, const Bytes& body);
  boost::asio::awaitable<Result<void>> recover(Course& course, const Error& error);
  [[nodiscard]] Milliseconds patience_for(const Course& course, const UploadSource& source) const;

  Session* session_;
  PacketSize* packet_size_;
  Clock* clock_;
  const Profile* profile_;
};

}  // namespace hg::smp
