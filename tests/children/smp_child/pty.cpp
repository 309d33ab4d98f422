// SPDX-License-Identifier: Apache-2.0
#include "pty.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>

namespace smp_child {
namespace {

Fd open_master(std::string& path) {
  Fd master = Fd::checked(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), "posix_openpt");
  check(::grantpt(master.get()) == 0 && ::unlockpt(master.get()) == 0, "unlockpt");
  char name[64];
  check(::ptsname_r(master.get(), name, sizeof name) == 0, "ptsname");
  path = name;
  return master;
}

void make_raw(int fd) {
  termios settings{};
  check(::tcgetattr(fd, &settings) == 0, "tcgetattr");
  ::cfmakeraw(&settings);
  check(::tcsetattr(fd, TCSANOW, &settings) == 0, "tcsetattr");
}

}  // namespace

void Pty::appear() {
  const std::string before = path_;
  master_ = open_master(path_);
  if (path_ == before) {
    const Fd same_number = std::move(master_);
    master_ = open_master(path_);
  }
  slave_ = Fd::checked(::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC), path_);
  make_raw(slave_.get());
  closings_ = Fd::checked(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "inotify");
  check(::inotify_add_watch(closings_.get(), path_.c_str(), IN_CLOSE) >= 0, path_);
  make_link();
}

void Pty::vanish() {
  remove_link();
  closings_.close();
  slave_.close();
  master_.close();
}

void Pty::reopen() {
  char events[4096];
  while (::read(closings_.get(), events, sizeof events) > 0) continue;
  check(::ioctl(slave_.get(), TIOCNXCL) == 0, "TIOCNXCL");
}

void Pty::make_link() const {
  if (link_.empty()) return;
  const std::string temporary = link_ + ".new";
  std::filesystem::remove(temporary);
  std::filesystem::create_symlink(path_, temporary);
  std::filesystem::rename(temporary, link_);
}

/// Only our own: a successor may have replaced it.
void Pty::remove_link() const {
  std::error_code ignored;
  if (!link_.empty() && there() && std::filesystem::read_symlink(link_, ignored) == path_) {
    std::filesystem::remove(link_, ignored);
  }
}

}  // namespace smp_child
