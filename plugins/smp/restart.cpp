// SPDX-License-Identifier: Apache-2.0
#include "smp/restart.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

namespace hg::smp {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr unsigned kMaxResets = 2;     // for one purpose, when the list shows that the first was lost
constexpr unsigned kMaxReleases = 2;   // out of a recovery that nobody wanted, after an application
constexpr unsigned kFirstRelease = 1;  // out of one in which the child was found
constexpr unsigned kMaxBusy = 5;       // refusals of one reset, before force or giving up
constexpr Milliseconds kBusyPause = 1000ms;
constexpr Milliseconds kResetMargin = 250ms;
constexpr Milliseconds kAnsweredMargin = 2000ms;  // a reset that was answered may take so much longer than promised
constexpr Milliseconds kFirstPoll = 50ms;
constexpr Milliseconds kLongestPoll = 1000ms;
constexpr Milliseconds kPollAnswer = 1000ms;
constexpr Milliseconds kLeavingList = 3000ms;  // the bootloader checks every image for it
constexpr Milliseconds kLeavingReset = 1000ms;

}  // namespace

Milliseconds Restart::latest_reset() const {
  return 2 * profile_->reset_delay + kResetMargin;
}

Milliseconds Restart::silence(unsigned tries) const {
  return std::max(latest_reset(), caught_after_) + profile_->boot_silence * (1 + tries);
}

void Restart::expect_reset() {
  quiet_until_ = clock_->now() + latest_reset();
  inquiry_->forget_start();
}

asio::awaitable<void> Restart::pause(Milliseconds time, SteadyTime deadline) {
  co_await clock_->sleep_until(std::min(clock_->now() + time, deadline));
}

void Restart::note_application() {
  had_application_ = true;
  releases_ = 0;
}

unsigned Restart::releases_due(const Sight& sight, bool is_first_look) const {
  if (had_application_) return kMaxReleases;
  // Our own packets may have caught it; but a child without an image is there because it has to be.
  return is_first_look && first_slot(sight.slots, 0) != nullptr ? kFirstRelease : 0;
}

asio::awaitable<void> Restart::keep_quiet(SteadyTime deadline) {
  const Link::Opening opening = link_->opening();
  const bool is_first = opening_ == 0;
  if (opening.number != opening_ && (is_first || !link_->limits().is_opened_on_demand)) {
    // Whoever had the line before may have asked for a reset that is still to come; and a child whose line has just
    // appeared may be in the window in which its bootloader takes any packet for a wish to stay in recovery.
    is_unseen_ = true;
    quiet_until_ = std::max(quiet_until_, opening.at + std::max(2 * profile_->reset_delay, profile_->boot_silence));
  }
  opening_ = opening.number;
  if (clock_->now() < quiet_until_) {
    co_await clock_->sleep_until(std::min(quiet_until_, deadline));
  }
}

asio::awaitable<Result<Sight>> Restart::settled(SteadyTime deadline) {
  co_await keep_quiet(deadline);
  auto sight = co_await inquiry_->look(deadline);
  if (!sight) co_return sight.error();
  const bool is_first_look = std::exchange(is_unseen_, false);
  if (!sight->is_recovery) {
    note_application();
    co_return sight;
  }
  const unsigned most = releases_due(*sight, is_first_look);
  co_return co_await release(std::move(*sight), most, deadline);
}

asio::awaitable<Result<bool>> Restart::send(SteadyTime deadline) {
  for (unsigned refused = 0;; ++refused) {
    const bool with_force = profile_->force_reset && refused >= kMaxBusy;
    const ResetWish wish{.force = with_force, .boot_mode = std::nullopt};
    const auto answer = co_await inquiry_->ask(kReset, reset_request(wish), inquiry_->once(deadline));
    const bool is_busy = !answer && answer.error().code == Errc::busy;
    if (!is_busy) expect_reset();  // however it ends, it may be on its way: nothing said before then is to be believed
    if (answer) co_return true;
    const Errc code = answer.error().code;
    if (code == Errc::timed_out || code == Errc::unavailable || code == Errc::invalid)
      co_return false;  // counts as sent
    if (!is_busy || with_force) co_return answer.error().within("reset");
    if (refused >= kMaxBusy && !profile_->force_reset) {
      co_return Error(answer.error()).within("reset, asked for again and again");
    }
    co_await pause(kBusyPause, deadline);
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled before the reset"};
    if (clock_->now() >= deadline) co_return answer.error().within("reset");
  }
}

asio::awaitable<Result<Restart::Back>> Restart::wait_back(Slots before, bool is_answered, SteadyTime deadline) {
  const SteadyTime certain = clock_->now() + latest_reset();
  const std::uint64_t opening = link_->opening().number;
  Milliseconds between = kFirstPoll;
  bool was_away = false;
  for (;;) {
    if (link_->opening().number != opening_) {
      co_await keep_quiet(deadline);  // what comes back under a new opening is in its bootloader's window
    }
    const SteadyTime asked = clock_->now();
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled while the child restarts"};
    if (asked >= deadline) co_return Error{Errc::timed_out, "the child has not come back after the reset"};
    const Patience poll{.answer = kPollAnswer, .attempts = 1, .deadline = deadline};
    auto listed = co_await inquiry_->list(poll);
    if (!listed && !is_silence(listed.error())) co_return listed.error();
    was_away = was_away || !listed || link_->opening().number != opening;
    if (listed && *listed != before) co_return Back{std::move(*listed), was_away};
    // The same list is an answer only if it was asked for when a reset that had arrived would have happened; one that
    // was promised is waited for a little longer, unless the child has been away.
    const bool is_late = asked >= certain && (!is_answered || was_away || asked >= certain + kAnsweredMargin);
    if (listed && is_late) co_return Back{std::move(*listed), was_away && is_answered};
    co_await pause(between, deadline);
    between = std::min(2 * between, kLongestPoll);
  }
}

asio::awaitable<Result<Sight>> Restart::release(Sight caught, unsigned most, SteadyTime deadline) {
  if (releases_ >= most) co_return caught;  // it is there for a reason
  ++times_caught_;
  for (unsigned tries = 0; releases_ < most && caught.is_recovery; ++tries) {
    ++releases_;
    const auto sent = co_await send(deadline);
    if (!sent) co_return sent.error();
    if (!*sent) most = kMaxReleases;  // the only one may have been lost
    co_await pause(silence(tries), deadline);
    auto back = co_await wait_back(Slots(), true, deadline);
    if (!back) co_return back.error();
    auto sight = co_await inquiry_->recognize(std::move(back->listed), deadline);
    if (!sight) co_return sight.error();
    caught = std::move(*sight);
  }
  if (!caught.is_recovery) note_application();
  co_return caught;
}

asio::awaitable<Result<Sight>> Restart::reset(Sight before, SteadyTime deadline) {
  releases_ = 0;  // whatever kept it in recovery before
  for (unsigned sent = 0;;) {
    const auto is_answered = co_await send(deadline);
    if (!is_answered) co_return is_answered.error();
    ++sent;
    const SteadyTime at = clock_->now();
    if (before.is_recovery || times_caught_ > 0) {
      co_await pause(silence(0), deadline);
    }
    auto back = co_await wait_back(before.listed, *is_answered, deadline);
    if (!back) co_return back.error();
    const bool has_changed = back->listed != before.listed || back->was_away;
    auto sight = co_await inquiry_->recognize(std::move(back->listed), deadline);
    if (!sight) co_return sight.error();
    if (sight->is_recovery) {
      caught_after_ = std::max(caught_after_, std::chrono::ceil<Milliseconds>(clock_->now() - at));
      co_return co_await release(std::move(*sight), kMaxReleases, deadline);
    }
    note_application();
    if (has_changed) co_return sight;
    if (sent < kMaxResets) continue;  // the list is as it was: the request was lost, or it changes nothing
    if (*is_answered) co_return sight;
    co_return Error{Errc::timed_out, "the child does not take the reset"};
  }
}

asio::awaitable<bool> Restart::leave_recovery(std::uint8_t image) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const Milliseconds longest = std::min(profile_->chunk, kLeavingList);
  const Patience patience{.answer = longest, .attempts = 2, .deadline = clock_->now() + kLeavingList};
  const auto slots = co_await inquiry_->list(patience);
  if (!slots || first_slot(*slots, image) == nullptr) co_return false;
  const SteadyTime end = clock_->now() + kLeavingReset;
  const auto answer = co_await inquiry_->ask(kReset, reset_request(ResetWish()), inquiry_->once(end));
  static_cast<void>(answer);  // there is nothing more that could be done
  expect_reset();
  quiet_until_ += profile_->boot_silence;
  co_return true;
}

}  // namespace hg::smp
