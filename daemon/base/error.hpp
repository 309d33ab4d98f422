// SPDX-License-Identifier: Apache-2.0
// The error that every fallible operation of headgate returns, and Result<T>, which carries a value or that error.
// Each level adds what it was doing with `within()`, so that the text that reaches the journal reads from the outside
// in: "fetch https://…: connect: connection refused". Constructors and libraries may throw; adapters catch.
// Used by every layer.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace hg {

/// What a caller can decide by. The text says the rest.
enum class Errc {
  internal,         ///< a bug or a broken invariant of our own
  invalid,          ///< the input breaks a rule of its format
  unsupported,      ///< well formed, but not something that we do
  too_large,        ///< over a limit of size or count
  not_found,        ///< no such child, deliverable, file, image
  exists,           ///< there already
  unauthenticated,  ///< signature, key or certificate does not prove what it must
  mismatch,         ///< digest, size or identity differs from what was signed or expected
  denied,           ///< the caller or the policy says no
  busy,             ///< held by something else at the moment; trying again later makes sense
  unavailable,      ///< peer, link or service is not there at the moment; trying again later makes sense
  timed_out,        ///< the deadline passed
  cancelled,        ///< we were asked to stop; passed up, never logged as a failure
  no_space,         ///< disk or quota is full
  io,               ///< the operating system failed us
  guard_failed,     ///< the child is not in the state in which the action was allowed
};

/// The name of a case as it is written in logs and on the bus ("timed-out").
std::string_view name_of(Errc code);

struct Error {
  Errc code = Errc::internal;
  std::string message;

  /// The same error with what was being done put before its text.
  [[nodiscard]] Error within(std::string_view doing) const& { return Error{*this}.within_(doing); }
  [[nodiscard]] Error within(std::string_view doing) && { return std::move(*this).within_(doing); }

  /// Whether trying the same again later can succeed without anybody changing anything.
  [[nodiscard]] bool is_transient() const {
    return code == Errc::busy || code == Errc::unavailable || code == Errc::timed_out;
  }

  friend bool operator==(const Error&, const Error&) = default;

 private:
  Error within_(std::string_view doing) && {
    std::string text;
    text.reserve(doing.size() + 2 + message.size());
    text.append(doing).append(": ").append(message);
    return Error{code, std::move(text)};
  }
};

template <class T>
using Result = boost::system::result<T, Error>;

/// The error of a failed system call: `doing` and the text of `errno_value`.
Error from_errno(int errno_value, std::string_view doing);

/// Called by boost when value() is asked of a failed Result: a bug of the caller, so it ends the process with its text.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

}  // namespace hg
