// SPDX-License-Identifier: Apache-2.0
// The lock file that terminal programs agree on ("/run/lock/LCK..ttyACM0" with a process id, FHS 3.0 section 5.9):
// minicom, picocom, cu, pppd and the like keep off a line whose file names a process that lives, and so does headgate.
// The file is a courtesy on top of flock and TIOCEXCL: where the directory cannot be written, there is none. Process
// ids come again, so headgate's own file says whose it is and is held by flock: one that nobody holds is left over.
// exclusive_line has one for each line.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace hg::serial {

inline constexpr const char* kLockDirectory = "/run/lock";

class LockFile {
 public:
  LockFile() = default;
  LockFile(LockFile&& other) noexcept : path_(std::exchange(other.path_, {})), held_(std::move(other.held_)) {}
  LockFile& operator=(LockFile&& other) noexcept;
  /// Removes the file.
  ~LockFile();

  /// `node`: the tty itself, no symlink. Errc::busy names the process that has the line, or the file that cannot be
  /// read. A file of a process that is gone is replaced.
  static Result<LockFile> take(const std::filesystem::path& directory, const std::filesystem::path& node);

  /// Empty: none was made.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  UniqueFd held_;
};

}  // namespace hg::serial
