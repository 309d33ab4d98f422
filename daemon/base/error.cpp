// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace hg {

std::string_view name_of(Errc code) {
  switch (code) {
    case Errc::internal:
      return "internal";
    case Errc::invalid:
      return "invalid";
    case Errc::unsupported:
      return "unsupported";
    case Errc::too_large:
      return "too-large";
    case Errc::not_found:
      return "not-found";
    case Errc::exists:
      return "exists";
    case Errc::unauthenticated:
      return "unauthenticated";
    case Errc::mismatch:
      return "mismatch";
    case Errc::denied:
      return "denied";
    case Errc::busy:
      return "busy";
    case Errc::unavailable:
      return "unavailable";
    case Errc::timed_out:
      return "timed-out";
    case Errc::cancelled:
      return "cancelled";
    case Errc::no_space:
      return "no-space";
    case Errc::io:
      return "io";
    case Errc::guard_failed:
      return "guard-failed";
  }
  return "internal";
}

Error from_errno(int errno_value, std::string_view doing) {
  Errc code = Errc::io;
  if (errno_value == ENOENT || errno_value == ENODEV || errno_value == ENXIO) code = Errc::not_found;
  if (errno_value == EACCES || errno_value == EPERM) code = Errc::denied;
  if (errno_value == ENOSPC || errno_value == EDQUOT) code = Errc::no_space;
  if (errno_value == EBUSY || errno_value == EWOULDBLOCK) code = Errc::busy;
  if (errno_value == EEXIST) code = Errc::exists;
  return Error{code, std::system_category().message(errno_value)}.within(doing);
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::logic_error("value of a failed result at " + where.to_string() + ": " + error.message);
}

}  // namespace hg
