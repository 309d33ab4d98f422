// SPDX-License-Identifier: Apache-2.0
#include "smp/updater.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hg::smp {
namespace asio = boost::asio;
namespace {

constexpr unsigned kMaxStepsBack = 6;  // marks played through, away again, confirmed, the old ones marked, confirmed

bool all_for_good(const Slots& slots, const std::vector<wire::Move>& moves) {
  return std::ranges::all_of(moves, [&](const auto& move) { return runs_for_good(slots, move.image, move.goal); });
}

std::vector<wire::Guard> goals_of(const std::vector<wire::Move>& moves) {
  std::vector<wire::Guard> goals;
  for (const wire::Move& move : moves) goals.push_back({move.image, move.goal});
  return goals;
}

}  // namespace

Updater::Updater(Link& link, Clock& clock, Profile profile, const Learned& learned, Remember remember)
    : profile_(std::move(profile)),
      session_(link, clock, profile_.speaks),
      pace_(profile_, learned),
      remember_(std::move(remember)),
      inquiry_(session_, clock, profile_),
      restart_(inquiry_, link, clock, profile_),
      kit_(inquiry_, link, clock),
      marking_(inquiry_, kit_),
      delivery_(inquiry_, session_, pace_, clock, profile_, brought_),
      recovery_(inquiry_, restart_, session_, clock, profile_, brought_),
      configuration_(inquiry_, session_, pace_, clock, profile_) {}

// ---------------------------------------------------------------------------------------------------------- looking

asio::awaitable<Result<Updater::Found>> Updater::found_again(Sight sight, SteadyTime deadline) {
  if (sight.is_recovery) co_return Found{std::move(sight), {}};  // a bootloader has no kit
  auto status = co_await kit_.status(deadline);
  if (!status) co_return status.error();
  co_return Found{std::move(sight), std::move(*status)};
}

asio::awaitable<Result<Updater::Found>> Updater::find(SteadyTime deadline) {
  auto sight = co_await restart_.settled(deadline);
  if (!sight) co_return sight.error();
  co_return co_await found_again(std::move(*sight), deadline);
}

Character Updater::character(const Sight& sight) const {
  const bool can_confirm_all = profile_.confirms_all || kit_.can_confirm_all();
  return character_of(sight.bootloader,
                      {sight.is_recovery, image_count(sight.slots), can_confirm_all, profile_.takes_older});
}

wire::Seen Updater::seen(const Found& found) const {
  const Character is = character(found.sight);
  wire::Seen seen;
  seen.slots = found.sight.slots;
  seen.revert_class = is.revert_class;
  seen.staging = is.staging;
  seen.obstacle = is.obstacle;
  seen.bootloader = found.sight.is_recovery ? "MCUboot serial recovery" : text_of(found.sight.bootloader);
  if (!found.kit) return seen;
  seen.battery_percent = found.kit->battery_percent;
  seen.power = found.kit->power;
  seen.busy = found.kit->busy;
  seen.busy_ms = found.kit->busy_ms;
  seen.identity = found.kit->id;
  seen.boots = found.kit->boots;
  if (!found.kit->unit.empty()) seen.unit = found.kit->unit;
  return seen;
}

asio::awaitable<Result<wire::Seen>> Updater::inspect(plugin::Job job) {
  const auto found = co_await find(job.deadline);
  if (!found) co_return found.error();
  co_return seen(*found);
}

// ------------------------------------------------------------------------------------------------ before the update

asio::awaitable<Result<plugin::Willingness>> Updater::offer(plugin::Job job, wire::Offer request) {
  const auto sight = co_await restart_.settled(job.deadline);
  if (!sight) co_return sight.error();
  if (sight->is_recovery) co_return plugin::Willingness{};  // it runs nothing that could mind
  co_return co_await kit_.offer(std::move(request), job.deadline);
}

asio::awaitable<Result<plugin::Saved>> Updater::backup(plugin::Job job) {
  if (!configuration_.names_anything()) co_return plugin::Saved{};
  const auto sight = co_await restart_.settled(job.deadline);
  if (!sight) co_return sight.error();
  if (sight->is_recovery) co_return plugin::Saved{};  // a bootloader has no settings
  co_return co_await configuration_.save(job.deadline);
}

asio::awaitable<Result<void>> Updater::restore(plugin::Job job, int saved) {
  const auto sight = co_await restart_.settled(job.deadline);
  if (!sight) co_return sight.error();
  if (sight->is_recovery) co_return Error{Errc::unavailable, "the child is in its bootloader's recovery"};
  co_return co_await configuration_.restore(saved, job.deadline);
}

asio::awaitable<Result<Bytes>> Updater::identify(plugin::Job job, Bytes nonce) {
  co_return co_await kit_.identify(std::move(nonce), job.deadline);
}

asio::awaitable<Result<void>> Updater::prove(plugin::Job job, Bytes proof) {
  co_return co_await kit_.prove(std::move(proof), job.deadline);
}

// ------------------------------------------------------------------------------------------------------- delivering

asio::awaitable<Result<plugin::Outcome>> Updater::deliver(plugin::Job job, wire::Deliver request,
                                                          plugin::ImageView image) {
  if (request.after.empty()) co_return Error{Errc::invalid, "without the digest that the child will list"};
  if (!request.record.empty()) {
    co_return Error{Errc::unsupported, "a child with MCUboot takes no delivery record: its wrap stands in the image"};
  }
  auto sight = co_await restart_.settled(job.deadline);  // nothing has moved yet
  if (!sight) co_return sight.error();
  const bool is_in_place = sight->is_recovery;
  if (is_in_place != (request.staging == wire::Staging::in_place)) {
    // It fell into recovery, or came out of it: over the only slot goes nothing that was meant for the other one.
    const auto found = co_await found_again(std::move(*sight), job.deadline);
    if (!found) co_return found.error();
    co_return outcome(false, *found);
  }
  if (is_in_place) {
    const auto delivered =
        co_await recovery_.deliver(std::move(*sight), std::move(job), std::move(request), std::move(image));
    if (!delivered) co_return delivered.error();
    co_return plugin::Outcome{};
  }
  const auto delivered =
      co_await delivery_.aside(std::move(*sight), std::move(job), std::move(request), std::move(image));
  if (!delivered) co_return delivered.error();
  if (remember_ && pace_.packet() != 0) remember_(pace_.learned());
  co_return plugin::Outcome{};
}

// -------------------------------------------------------------------------------------------------------- activating

asio::awaitable<Result<Sight>> Updater::start_goals(std::vector<wire::Move> moves, Sight sight, SteadyTime deadline) {
  if (sight.is_recovery) {
    if (auto checked = Recovery::check(moves, sight.slots); !checked) co_return checked.error();
    co_return co_await restart_.reset(std::move(sight), deadline);
  }
  const Character is = character(sight);
  if (is.staging == wire::Staging::impossible) co_return Error{Errc::unsupported, is.obstacle};
  if (auto checked = Marking::check(moves, sight.slots); !checked) co_return checked.error();
  auto announced = co_await kit_.announce_reset(deadline);  // before the marks, which cannot be taken back
  if (!announced) co_return announced.error();
  auto marked = co_await marking_.mark(std::move(moves), std::move(sight.slots), is.marks_for_good, deadline);
  if (!marked) co_return marked.error();
  sight.listed = std::move(*marked);
  co_return co_await restart_.reset(std::move(sight), deadline);
}

asio::awaitable<Result<plugin::Outcome>> Updater::activate(plugin::Job job, wire::Activate request) {
  auto found = co_await find(job.deadline);
  if (!found) co_return found.error();
  if (!all_hold(found->sight.slots, request.moves)) co_return outcome(false, *found);
  if (all_run(found->sight.slots, request.moves)) co_return outcome(true, *found);
  const unsigned caught = restart_.times_caught();
  auto back = co_await start_goals(request.moves, std::move(found->sight), job.deadline);
  if (!back) co_return back.error();
  const bool is_as_before = !back->is_recovery && all_hold(back->slots, request.moves);
  if (is_as_before && restart_.times_caught() != caught && Marking::check(request.moves, back->slots)) {
    // The start that our own waiting spoilt was the test: it is due once more, and now we know how long to be silent.
    back = co_await start_goals(request.moves, std::move(*back), job.deadline);
    if (!back) co_return back.error();
  }
  const auto after = co_await found_again(std::move(*back), job.deadline);
  if (!after) co_return after.error();
  co_return outcome(true, *after);
}

// ------------------------------------------------------------------------------------------------------- confirming

asio::awaitable<Result<plugin::Outcome>> Updater::confirm(plugin::Job job, wire::Confirm request) {
  auto found = co_await find(job.deadline);
  if (!found) co_return found.error();
  if (!all_hold(found->sight.slots, request.guards)) co_return outcome(false, *found);
  auto after = co_await marking_.confirm(request.guards, found->sight.slots, job.deadline);
  if (!after) co_return after.error();
  found->sight.slots = std::move(*after);
  co_return outcome(all_hold(found->sight.slots, request.guards), *found);
}

// -------------------------------------------------------------------------------------------------------- reverting

asio::awaitable<Result<Sight>> Updater::step_back(std::vector<wire::Move> moves, Sight sight, SteadyTime deadline) {
  const auto any = [&](const auto& is_so) { return std::ranges::any_of(moves, is_so); };
  const auto runs_goal = [&](const auto& move) { return runs(sight.slots, move.image, move.goal); };
  const auto is_tested = [&](const auto& move) {
    const wire::Slot* const slot = active(sight.slots, move.image);
    return slot != nullptr && !slot->confirmed;
  };
  if (sight.is_recovery) co_return co_await restart_.reset(std::move(sight), deadline);
  if (any([&](const auto& move) { return active(sight.slots, move.image) == nullptr; })) {
    co_return Error{Errc::mismatch, "the child lists no running image"};
  }
  // A mark cannot be taken back: it is played through.
  if (any([&](const auto& move) { return anything_pending(sight.slots, move.image); })) {
    co_return co_await restart_.reset(std::move(sight), deadline);
  }
  // What is back already must stay back in the resets to come, and at the end everything must.
  std::vector<wire::Move> unfinished;
  std::ranges::copy_if(moves, std::back_inserter(unfinished),
                       [&](const auto& move) { return runs_goal(move) && is_tested(move); });
  if (!unfinished.empty()) {
    auto confirmed = co_await marking_.confirm(goals_of(unfinished), std::move(sight.slots), deadline);
    if (!confirmed) co_return confirmed.error();
    co_return co_await inquiry_.recognize(std::move(*confirmed), deadline);
  }
  // What was never confirmed the bootloader takes back by itself.
  if (any([&](const auto& move) { return !runs_goal(move) && is_tested(move); })) {
    co_return co_await restart_.reset(std::move(sight), deadline);
  }
  const bool for_good = character(sight).marks_for_good;
  auto marked = co_await marking_.mark(std::move(moves), std::move(sight.slots), for_good, deadline);
  if (!marked) co_return marked.error();
  sight.listed = std::move(*marked);
  co_return co_await restart_.reset(std::move(sight), deadline);
}

asio::awaitable<Result<plugin::Outcome>> Updater::revert(plugin::Job job, wire::Revert request) {
  auto found = co_await find(job.deadline);
  if (!found) co_return found.error();
  if (!all_hold(found->sight.slots, request.moves)) co_return outcome(false, *found);
  Sight sight = std::move(found->sight);
  for (unsigned steps = 0; steps < kMaxStepsBack && !all_for_good(sight.slots, request.moves); ++steps) {
    auto after = co_await step_back(request.moves, sight, job.deadline);
    if (!after) co_return after.error();
    const bool is_stuck = after->listed == sight.listed;
    sight = std::move(*after);
    if (is_stuck) break;
  }
  const auto after = co_await found_again(std::move(sight), job.deadline);
  if (!after) co_return after.error();
  co_return outcome(true, *after);
}

}  // namespace hg::smp
