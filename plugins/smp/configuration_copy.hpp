// SPDX-License-Identifier: Apache-2.0
// A child's configuration, read out before an update and written back when the daemon says so: the settings and files
// that the profile names (reference smp.md, section 7: neither can be listed). Each is read and written by itself, and
// what one refuses does not stop the others. Group 63, which erases everything, is never called. updater calls it; what
// is saved, and how it is kept, is configuration.hpp's.
#pragma once

#include "smp/configuration.hpp"
#include "smp/inquiry.hpp"
#include "smp/pace.hpp"

namespace hg::smp {

class ConfigurationCopy {
 public:
  ConfigurationCopy(Inquiry& inquiry, Session& session, Pace& pace, Clock& clock, const Profile& profile)
      : inquiry_(&inquiry), session_(&session), pace_(&pace), clock_(&clock), profile_(&profile) {}

  [[nodiscard]] bool names_anything() const {
    return !profile_->backup_settings.empty() || !profile_->backup_files.empty();
  }

  /// A sealed memfd, and what is in it in words. What could not be read is kept as such. Errc::too_large;
  /// Errc::unavailable, timed_out (the child went away), cancelled.
  boost::asio::awaitable<Result<plugin::Saved>> save(SteadyTime deadline);

  /// Writes back what differs from what `saved` holds, reads it again, and has it kept. Errc::mismatch names everything
  /// that could not be restored, with why; the rest was.
  boost::asio::awaitable<Result<void>> restore(int saved, SteadyTime deadline);

 private:
  /// Whether nothing that follows can succeed either: the child is silent about everything.
  boost::asio::awaitable<bool> is_lost(Error error, SteadyTime deadline);

  boost::asio::awaitable<Result<Bytes>> read_setting(std::string name, SteadyTime deadline);
  boost::asio::awaitable<Result<Bytes>> read_file(std::string name, SteadyTime deadline);
  boost::asio::awaitable<Result<Digest>> hash_file(std::string name, SteadyTime deadline);
  boost::asio::awaitable<void> close_file(SteadyTime deadline);

  /// Whether something was changed; what cannot be restored is added to `failures`.
  boost::asio::awaitable<Result<bool>> restore_all(std::vector<SavedItem> items, bool are_files, std::string* failures,
                                                   SteadyTime deadline);
  boost::asio::awaitable<Result<bool>> restore_setting(SavedItem item, SteadyTime deadline);
  boost::asio::awaitable<Result<bool>> restore_file(SavedItem item, SteadyTime deadline);
  boost::asio::awaitable<Result<void>> write_file(SavedItem item, SteadyTime deadline);

  Inquiry* inquiry_;
  Session* session_;
  Pace* pace_;
  Clock* clock_;
  const Profile* profile_;
};

}  // namespace hg::smp
