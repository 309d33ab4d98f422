// SPDX-License-Identifier: Apache-2.0
// How a child says no: {"rc": n} in version 1 and for errors of SMP itself, {"err": {"group", "rc"}} in version 2, and
// "rc": 0 from old servers when all is well (Zephyr "SMP Protocol Specification", error codes). Pure; session calls it.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::smp {

struct Refusal {
  std::optional<std::uint16_t> group;  ///< none: a code of SMP itself
  std::int64_t code = 0;
  std::string reason;                 ///< "rsn", when the child gives one
  std::optional<std::uint8_t> image;  ///< "image": the image number that an error of the child kit is about
};

inline constexpr std::int64_t kVersionTooOld = 12;
inline constexpr std::int64_t kVersionTooNew = 13;

/// Nothing when `body` is no refusal. An error when it is no CBOR map.
Result<std::optional<Refusal>> refusal_in(ByteView body);

/// What a caller can decide by, and a text like "the child refuses: image error 28 (image already pending)".
/// Errc::unsupported: the child does not know the command; Errc::busy: later; Errc::not_found: no such hash, key or
/// file; else Errc::denied. Never timed_out or unavailable, which mean that there was no answer.
Error error_from(const Refusal& refusal);

}  // namespace hg::smp
