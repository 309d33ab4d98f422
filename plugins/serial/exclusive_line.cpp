// SPDX-License-Identifier: Apache-2.0
#include "serial/exclusive_line.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "serial/line_holder.hpp"
#include "serial/tty.hpp"

namespace hg::serial {
namespace {

namespace fs = std::filesystem;

Result<dev_t> device_of(const fs::path& node) {
  struct stat info {};
  if (::stat(node.c_str(), &info) != 0) return from_errno(errno, "open " + node.native());
  if (!S_ISCHR(info.st_mode)) return Error{Errc::unsupported, node.native() + ": this is no tty"};
  return info.st_rdev;
}

Error taken(const fs::path& node, const std::string& by) {
  return Error{Errc::busy, node.native() + " is in use " + by};
}

}  // namespace

std::string LineBook::holder(dev_t device) const {
  const auto found = holders_.find(device);
  return found == holders_.end() ? std::string() : found->second;
}

ExclusiveLine& ExclusiveLine::operator=(ExclusiveLine&& other) noexcept {
  if (this == &other) return *this;
  give_up();
  book_ = std::move(other.book_);
  device_ = other.device_;
  lock_ = std::move(other.lock_);
  fd_ = std::move(other.fd_);
  return *this;
}

void ExclusiveLine::give_up() {
  // A pty that stays open at its other end would keep the mark and turn the next one away.
  if (fd_) ::ioctl(fd_.get(), TIOCNXCL);
  fd_.reset();
  lock_ = LockFile();
  if (book_) book_->holders_.erase(device_);
  book_.reset();
}

Result<ExclusiveLine> ExclusiveLine::take(std::shared_ptr<LineBook> book, const Wanted& wanted) {
  const auto device = device_of(wanted.node);
  if (!device) return device.error();
  const std::string other = book->holder(*device);
  if (!other.empty()) return taken(wanted.node, "by the child '" + other + "': one line is for one child");
  std::error_code ignored;
  const fs::path real = fs::canonical(wanted.node, ignored);
  auto lock = LockFile::take(wanted.locks, real.empty() ? wanted.node : real);
  if (!lock) return lock.error().within(wanted.node.native());

  UniqueFd fd(::open(wanted.node.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == EBUSY) return taken(wanted.node, holder_of(*device, wanted.node));
  if (!fd) return from_errno(errno, "open " + wanted.node.native());
  // Between programs that ask (flock), and against those that do not (TIOCEXCL, which does not hold back root).
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return taken(wanted.node, holder_of(*device, wanted.node));
  if (auto raw = set_up(fd.get(), wanted.baud); !raw) return raw.error().within(wanted.node.native());
  ::ioctl(fd.get(), TIOCEXCL);

  ExclusiveLine line;
  line.book_ = std::move(book);
  line.device_ = *device;
  line.lock_ = std::move(*lock);
  line.fd_ = std::move(fd);
  line.book_->holders_[*device] = wanted.child;
  return line;
}

}  // namespace hg::serial
