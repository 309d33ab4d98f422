// SPDX-License-Identifier: Apache-2.0
// The exclusive right to one serial line, as a value: while it exists its tty is open, no other child of this plugin
// has the device under any name, and other programs are held off (lock file, flock, TIOCEXCL). serial_line owns one
// while its line is up.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "serial/lock_file.hpp"

namespace hg::serial {

/// Which child has which line, by device number: a symlink and a node are one device. One for all lines of a plugin.
class LineBook {
 public:
  /// Empty: none of ours.
  [[nodiscard]] std::string holder(dev_t device) const;

 private:
  friend class ExclusiveLine;
  std::map<dev_t, std::string> holders_;
};

class ExclusiveLine {
 public:
  struct Wanted {
    std::string child;
    std::filesystem::path node;  ///< or a symlink to it
    std::int64_t baud = 115200;
    std::filesystem::path locks = kLockDirectory;
  };

  /// Errc::not_found: no such node; Errc::busy names the child or the program that has it, where it can be told;
  /// Errc::unsupported: no tty, or a rate that its driver does not take.
  static Result<ExclusiveLine> take(std::shared_ptr<LineBook> book, const Wanted& wanted);

  ExclusiveLine() = default;
  ExclusiveLine(ExclusiveLine&&) noexcept = default;
  ExclusiveLine& operator=(ExclusiveLine&& other) noexcept;
  /// Gives the line up.
  ~ExclusiveLine() { give_up(); }

  /// Non-blocking and close-on-exec; -1: none.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  void give_up();

  std::shared_ptr<LineBook> book_;
  dev_t device_ = 0;
  LockFile lock_;
  UniqueFd fd_;
};

}  // namespace hg::serial
