// SPDX-License-Identifier: Apache-2.0
#include "adapters/storage/reserve.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/unique_fd.hpp"

namespace hg::storage {

void Reserve::take() {
  struct stat there {};
  if (::lstat(file_.c_str(), &there) == 0 && S_ISREG(there.st_mode) && there.st_size == kSizeBytes) {
    held_ = true;
    return;
  }
  struct statvfs disk {};
  if (::statvfs(file_.parent_path().c_str(), &disk) != 0) return;
  if (std::uint64_t{disk.f_bavail} * disk.f_frsize < kRoomBytes) return;
  UniqueFd file(::open(file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  // Blocks, not a hole: posix_fallocate() writes where the file system cannot allocate.
  held_ = file && ::posix_fallocate(file.get(), 0, kSizeBytes) == 0;
  if (!held_) ::unlink(file_.c_str());
}

bool Reserve::give_up() {
  if (!held_) return false;
  held_ = false;
  return ::unlink(file_.c_str()) == 0;
}

}  // namespace hg::storage
