// SPDX-License-Identifier: Apache-2.0
// The marks that say which images run after the next reset, and for good: test, permanent, confirm (reference smp.md,
// section 4.2). A mark cannot be taken back, so everything that can be known before is checked before the first one,
// and the list is read after each, because flags were wrong in some servers and silently ignored in others
// (zephyr#56581). It never resets. updater calls it with lists that are settled.
#pragma once

#include <span>

#include "smp/child_kit.hpp"
#include "smp/inquiry.hpp"

namespace hg::smp {

class Marking {
 public:
  Marking(Inquiry& inquiry, ChildKit& kit) : inquiry_(&inquiry), kit_(&kit) {}

  /// Why the goals that do not run yet cannot be marked: Errc::not_found: one does not stand beside what runs;
  /// Errc::denied: two image numbers hold the same image, of which the child would only ever mark the first.
  static Result<void> check(std::span<const wire::Move> moves, const Slots& slots);

  /// Marks all goals that do not run yet; `for_good`: permanent instead of for a test. Whatever the child answers, its
  /// list decides. Returns the list afterwards. Errors of check(); Errc::mismatch: the child does not list a mark that
  /// it took; its own refusals, of what it does not list.
  boost::asio::awaitable<Result<Slots>> mark(std::vector<wire::Move> moves, Slots slots, bool for_good,
                                             SteadyTime deadline);

  /// Confirms what runs, the first image last, or all in one by the kit. Nothing is sent for what is confirmed already,
  /// and whatever the child answers, its list decides. Returns the list afterwards, also when a guard no longer holds.
  boost::asio::awaitable<Result<Slots>> confirm(std::vector<wire::Guard> guards, Slots slots, SteadyTime deadline);

 private:
  boost::asio::awaitable<Result<Slots>> mark_one(wire::Move move, Slots slots, bool for_good, SteadyTime deadline);
  boost::asio::awaitable<Result<Slots>> confirm_one(wire::Guard guard, Slots slots, SteadyTime deadline);
  boost::asio::awaitable<Result<Slots>> confirm_all(std::vector<wire::Guard> guards, Slots slots, SteadyTime deadline);

  Inquiry* inquiry_;
  ChildKit* kit_;
};

}  // namespace hg::smp
