// SPDX-License-Identifier: Apache-2.0
#include "serial/tty.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace hg::serial {
namespace {

constexpr std::array<std::pair<std::int64_t, speed_t>, 16> kBauds = {{{1200, B1200},
                                                                      {2400, B2400},
                                                                      {4800, B4800},
                                                                      {9600, B9600},
                                                                      {19200, B19200},
                                                                      {38400, B38400},
                                                                      {57600, B57600},
                                                                      {115200, B115200},
                                                                      {230400, B230400},
                                                                      {460800, B460800},
                                                                      {500000, B500000},
                                                                      {921600, B921600},
                                                                      {1000000, B1000000},
                                                                      {1500000, B1500000},
                                                                      {2000000, B2000000},
                                                                      {3000000, B3000000}}};

const std::pair<std::int64_t, speed_t>* find_baud(std::int64_t baud) {
  const auto* found = std::ranges::find(kBauds, baud, &std::pair<std::int64_t, speed_t>::first);
  return found == kBauds.end() ? nullptr : found;
}

Result<void> make_raw(int fd, std::int64_t baud) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) return Error{Errc::unsupported, "this is no tty"};
  ::cfmakeraw(&settings);
  settings.c_iflag &= ~static_cast<tcflag_t>(IXON | IXOFF | IXANY);
  settings.c_cflag |= CLOCAL | CREAD;
  // HUPCL off: closing must not drop DTR, which resets some boards.
  settings.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS | HUPCL | CSTOPB | PARENB);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  if (const auto* rate = find_baud(baud)) {
    ::cfsetispeed(&settings, rate->second);
    ::cfsetospeed(&settings, rate->second);
  }
  if (::tcsetattr(fd, TCSANOW, &settings) != 0) return from_errno(errno, "set the line up");
  return {};
}

}  // namespace

bool is_known_baud(std::int64_t baud) {
  return find_baud(baud) != nullptr;
}

Result<UniqueFd> open_tty(const std::filesystem::path& path, std::int64_t baud) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return from_errno(errno, "open " + path.native());
  // Between programs that ask (flock), and against those that do not (TIOCEXCL, which does not hold back root).
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return Error{Errc::busy, path.native() + " is in use"};
  if (auto raw = make_raw(fd.get(), baud); !raw) return raw.error().within(path.native());
  ::ioctl(fd.get(), TIOCEXCL);
  ::tcflush(fd.get(), TCIOFLUSH);
  return fd;
}

}  // namespace hg::serial
