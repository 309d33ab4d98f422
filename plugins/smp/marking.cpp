// SPDX-License-Identifier: Apache-2.0
#include "smp/marking.hpp"

#include <algorithm>
#include <utility>

namespace hg::smp {
namespace asio = boost::asio;
namespace {

constexpr unsigned kMarkTries = 2;
constexpr unsigned kConfirmTries = 3;
constexpr std::size_t kShownDigits = 12;  // of a hash, for people

bool is_marked(const wire::Slot* slot, bool for_good) {
  return slot != nullptr && slot->pending && (!for_good || slot->permanent);
}

bool all_for_good(const Slots& slots, const std::vector<wire::Guard>& guards) {
  return std::ranges::all_of(guards, [&](const auto& one) { return runs_for_good(slots, one.image, one.active); });
}

/// Every running image as a guard: the kit confirms all of them or none.
std::vector<wire::Guard> running(const Slots& slots) {
  std::vector<wire::Guard> guards;
  for (const wire::Slot& slot : slots) {
    if (slot.active) guards.push_back({slot.image, slot.digest});
  }
  return guards;
}

}  // namespace

// --------------------------------------------------------------------------------------------------------- marking

Result<void> Marking::check(std::span<const wire::Move> moves, const Slots& slots) {
  for (const wire::Move& move : moves) {
    if (runs(slots, move.image, move.goal)) continue;
    const std::string image = name_of_image(move.image);
    if (standby(slots, move.image, move.goal) == nullptr) {
      return Error{Errc::not_found, image + ": the image to be activated is not on the child"};
    }
    if (const wire::Slot* const other = elsewhere(slots, move.image, move.goal)) {
      return Error{Errc::denied,
                   image + " and " + name_of_image(other->image) + " hold the same image (" +
                       move.goal.hex().substr(0, kShownDigits) +
                       "...), of which the child marks only the first: build them with different versions"};
    }
  }
  return {};
}

asio::awaitable<Result<Slots>> Marking::mark_one(wire::Move move, Slots slots, bool for_good, SteadyTime deadline) {
  const std::string doing = "mark " + name_of_image(move.image);
  for (unsigned tries = 0; tries < kMarkTries; ++tries) {
    if (is_marked(standby(slots, move.image, move.goal), for_good)) co_return slots;
    // May be repeated: to mark what is marked is nothing.
    Bytes packet = for_good ? confirm_request(move.goal) : test_request(move.goal);
    const auto marked = co_await inquiry_->ask(kImageState, std::move(packet), inquiry_->patience(deadline));
    if (!marked && is_over(marked.error())) co_return marked.error().within(doing);
    auto after = co_await inquiry_->list(inquiry_->patience(deadline));
    if (!after) co_return marked || is_over(after.error()) ? after.error() : marked.error().within(doing);
    slots = std::move(*after);
    // What was refused, or not answered, may have been done nevertheless.
    const bool is_done = marked || is_marked(standby(slots, move.image, move.goal), for_good);
    if (!is_done) co_return marked.error().within(doing);
  }
  if (is_marked(standby(slots, move.image, move.goal), for_good)) co_return slots;
  co_return Error{Errc::mismatch, name_of_image(move.image) + ": marked, but the child does not list it so"};
}

asio::awaitable<Result<Slots>> Marking::mark(std::vector<wire::Move> moves, Slots slots, bool for_good,
                                             SteadyTime deadline) {
  if (auto checked = check(moves, slots); !checked) co_return checked.error();
  // The first image last: children refuse to mark the others (error 32), and half of the marks would be half an update.
  std::ranges::sort(moves, std::ranges::greater{}, &wire::Move::image);
  for (const wire::Move& move : moves) {
    if (runs(slots, move.image, move.goal)) continue;
    auto after = co_await mark_one(move, std::move(slots), for_good, deadline);
    if (!after) co_return after.error();
    slots = std::move(*after);
  }
  // A server may drop one mark when it takes another.
  const auto is_lost = [&](const wire::Move& move) {
    const wire::Slot* const slot = standby(slots, move.image, move.goal);
    return !runs(slots, move.image, move.goal) && !is_marked(slot, for_good);
  };
  const auto lost = std::ranges::find_if(moves, is_lost);
  if (lost == moves.end()) co_return slots;
  co_return Error{Errc::mismatch, name_of_image(lost->image) + ": its mark is gone again"};
}

// ------------------------------------------------------------------------------------------------------- confirming

asio::awaitable<Result<Slots>> Marking::confirm_one(wire::Guard guard, Slots slots, SteadyTime deadline) {
  // "Confirm what runs" means the first image only; others are named.
  const std::optional<Digest> hash = guard.image == 0 ? std::nullopt : std::optional(guard.active);
  const std::string doing = "confirm " + name_of_image(guard.image);
  std::optional<Error> refusal;
  for (unsigned tries = 0; tries < kConfirmTries; ++tries) {
    if (!holds(slots, guard) || runs_for_good(slots, guard.image, guard.active)) co_return slots;
    if (refusal) co_return *refusal;
    // The list is read before it is asked again.
    const auto confirmed = co_await inquiry_->ask(kImageState, confirm_request(hash), inquiry_->once(deadline));
    if (!confirmed && confirmed.error().code != Errc::timed_out) refusal = confirmed.error().within(doing);
    if (refusal && (is_silence(*refusal) || is_over(*refusal))) co_return *refusal;
    auto after = co_await inquiry_->list(inquiry_->patience(deadline));
    if (!after) co_return after.error();
    slots = std::move(*after);
  }
  if (!holds(slots, guard) || runs_for_good(slots, guard.image, guard.active)) co_return slots;
  co_return refusal.value_or(Error{Errc::timed_out, doing + ": the child does not confirm"});
}

asio::awaitable<Result<Slots>> Marking::confirm_all(std::vector<wire::Guard> guards, Slots slots, SteadyTime deadline) {
  // One that is confirmed already stays so: the request may be repeated.
  const auto confirmed = co_await kit_->confirm_all(running(slots), deadline);
  if (!confirmed && is_over(confirmed.error())) co_return confirmed.error();
  auto after = co_await inquiry_->list(inquiry_->patience(deadline));
  if (!after) co_return after.error();
  if (confirmed || !all_hold(*after, guards) || all_for_good(*after, guards)) co_return after;
  co_return confirmed.error();
}

asio::awaitable<Result<Slots>> Marking::confirm(std::vector<wire::Guard> guards, Slots slots, SteadyTime deadline) {
  if (!all_hold(slots, guards) || all_for_good(slots, guards)) co_return slots;
  if (kit_->can_confirm_all()) co_return co_await confirm_all(std::move(guards), std::move(slots), deadline);
  // The first image last: what can be refused is refused while everything can still go back together.
  std::ranges::sort(guards, std::ranges::greater{}, &wire::Guard::image);
  for (const wire::Guard& guard : guards) {
    if (guard.active.empty()) continue;  // nothing runs that could be confirmed
    auto after = co_await confirm_one(guard, std::move(slots), deadline);
    if (!after) co_return after.error();
    slots = std::move(*after);
  }
  co_return slots;
}

}  // namespace hg::smp
