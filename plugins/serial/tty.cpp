// SPDX-License-Identifier: Apache-2.0
#include "serial/tty.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace hg::serial {
namespace {

constexpr std::array<std::pair<std::int64_t, speed_t>, 21> kBauds = {
    {{1200, B1200},       {2400, B2400},       {4800, B4800},       {9600, B9600},       {19200, B19200},
     {38400, B38400},     {57600, B57600},     {115200, B115200},   {230400, B230400},   {460800, B460800},
     {500000, B500000},   {576000, B576000},   {921600, B921600},   {1000000, B1000000}, {1152000, B1152000},
     {1500000, B1500000}, {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000}, {3500000, B3500000},
     {4000000, B4000000}}};

const std::pair<std::int64_t, speed_t>* find_baud(std::int64_t baud) {
  const auto* found = std::ranges::find(kBauds, baud, &std::pair<std::int64_t, speed_t>::first);
  return found == kBauds.end() ? nullptr : found;
}

/// The other end of a pty is a program: bytes pass at once, whatever rate is set.
bool is_pty(int fd) {
  constexpr unsigned kFirstMajor = 136;  // Documentation/admin-guide/devices.txt: Unix98 pty slaves
  constexpr unsigned kLastMajor = 143;
  struct stat info {};
  if (::fstat(fd, &info) != 0) return false;
  return major(info.st_rdev) >= kFirstMajor && major(info.st_rdev) <= kLastMajor;
}

/// tcsetattr is content when it could do anything at all; what the driver made of the rate has to be read back.
Result<void> check_rate(int fd, std::int64_t baud) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) return from_errno(errno, "read the line's settings");
  const auto* const wanted = find_baud(baud);
  if (is_pty(fd) || ::cfgetospeed(&settings) == wanted->second) return {};
  return Error{Errc::unsupported, "the driver of the line does not take " + std::to_string(baud) + " baud"};
}

}  // namespace

bool is_known_baud(std::int64_t baud) {
  return find_baud(baud) != nullptr;
}

Result<void> set_up(int tty, std::int64_t baud) {
  const auto* const rate = find_baud(baud);
  if (rate == nullptr) return Error{Errc::unsupported, "no such baud rate: " + std::to_string(baud)};
  termios settings{};
  if (::tcgetattr(tty, &settings) != 0) return Error{Errc::unsupported, "this is no tty"};
  ::cfmakeraw(&settings);
  settings.c_iflag &= ~static_cast<tcflag_t>(IXON | IXOFF | IXANY);
  settings.c_cflag |= CLOCAL | CREAD;
  // HUPCL off: closing must not drop DTR, which resets some boards.
  settings.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS | HUPCL | CSTOPB | PARENB);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  ::cfsetispeed(&settings, rate->second);
  ::cfsetospeed(&settings, rate->second);
  if (::tcsetattr(tty, TCSANOW, &settings) != 0) return from_errno(errno, "set the line up");
  ::tcflush(tty, TCIOFLUSH);
  return check_rate(tty, baud);
}

}  // namespace hg::serial
