// SPDX-License-Identifier: Apache-2.0
// The tty that the client opens: a raw pty with a symlink to it. The slave is kept open here too, so that a client may
// come and go; vanish() and appear() imitate a USB tty that is unplugged and returns under another number. Used by the
// serial link.
#pragma once

#include <string>

#include "files.hpp"

namespace smp_child {

class Pty {
 public:
  /// `link` may be empty: no symlink then.
  explicit Pty(std::string link) : link_(std::move(link)) {}
  ~Pty() { vanish(); }
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  void appear();
  void vanish();

  [[nodiscard]] bool there() const { return master_.get() >= 0; }
  [[nodiscard]] int master() const { return master_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// Readable when a client closed the tty; to be answered with reopen().
  [[nodiscard]] int closings() const { return closings_.get(); }

  /// Takes back a closed client's TIOCEXCL, as the last close of a real tty does.
  void reopen();

 private:
  void make_link() const;
  void remove_link() const;

  std::string link_, path_;
  Fd master_, slave_, closings_;
};

}  // namespace smp_child
