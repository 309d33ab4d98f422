// SPDX-License-Identifier: Apache-2.0
// How often something is tried with a child before it counts as failed, and how the pauses in between grow. What of
// this differs from one kind of child to the next is in its Patience. Internal to core/turn.
#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace hg::core {

/// Orders that one attempt may give: more would be a child that does not do what it answers.
inline constexpr unsigned kMaxOrders = 6;
/// The same after COMMIT or BACK of a group, while nobody knows whether the last one was carried out.
inline constexpr unsigned kMaxLostOrders = 16;
/// Of those, how often ACTIVATE is given again when nobody knows whether the last one was carried out: the child may
/// have tried the image and fallen back, which looks the same (smp.md 4.7).
inline constexpr unsigned kMaxUnsureOrders = 2;
/// Of those, how often somebody else's mark is played through before anything is sent.
inline constexpr unsigned kMaxForeignMarks = 2;
/// Unanswered questions in a row before ACTIVATE until the attempt has failed.
inline constexpr unsigned kMaxUnanswered = 3;
/// How often a configuration is written back that will not be taken.
inline constexpr unsigned kMaxRestores = 3;
inline constexpr Duration kLongestBackoff = std::chrono::hours{1};
inline constexpr Duration kLongestPause = std::chrono::minutes{10};

/// `base` doubled `times` times, at most `longest`.
constexpr Duration doubled(Duration base, unsigned times, Duration longest) {
  Duration result = base;
  for (unsigned i = 0; i < times && result < longest; ++i) result *= 2;
  return std::min(result, longest);
}

}  // namespace hg::core
