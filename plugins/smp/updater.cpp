// SPDX-License-Identifier: Apache-2.0
#include "smp/updater.hpp"

#include <algorithm>
#include <utility>

#include "smp/image_group.hpp"

namespace hg::smp {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr unsigned kAttempts = 3;      // of a question
constexpr unsigned kMaxResets = 2;     // for one purpose, when the list shows that the first was lost
constexpr unsigned kMaxStepsBack = 4;  // a mark played through, away again, the old one marked, confirmed
constexpr unsigned kMaxUploads = 2;
constexpr unsigned kListTries = 4;  // until a fresh upload is listed
constexpr Milliseconds kListPause = 300ms;
constexpr Milliseconds kResetMargin = 250ms;
constexpr Milliseconds kFirstPoll = 50ms;
constexpr Milliseconds kLongestPoll = 1000ms;
constexpr Milliseconds kPollAnswer = 1000ms;

/// Whether asking the same child later can help.
bool is_silence(const Error& error) {
  return error.code == Errc::timed_out || error.code == Errc::unavailable || error.code == Errc::busy;
}

}  // namespace

Updater::Updater(Link& link, Clock& clock, Profile profile)
    : link_(&link), clock_(&clock), profile_(profile), session_(link, clock), packet_size_(profile.packet) {}

Patience Updater::question(SteadyTime deadline) const {
  return {.answer = profile_.chunk, .attempts = kAttempts, .deadline = deadline};
}

// ---------------------------------------------------------------------------------------------------------- asking

asio::awaitable<Result<Slots>> Updater::list(Patience patience) {
  Bytes packet = empty_request();
  const auto body = co_await session_.ask(kImageList, packet, patience);
  if (!body) co_return body.error().within("image list");
  co_return slots_in(*body);
}

asio::awaitable<Result<Slots>> Updater::settled_list(SteadyTime deadline) {
  const Link::Opening opening = link_->opening();
  if (opening.number != opening_) {
    // Whoever had the line before may have asked for a reset that is still to come.
    opening_ = opening.number;
    quiet_until_ = std::max(quiet_until_, opening.at + 2 * profile_.reset_delay);
  }
  if (clock_->now() < quiet_until_) {
    co_await clock_->sleep_until(std::min(quiet_until_, deadline));
  }
  co_return co_await list(question(deadline));
}

asio::awaitable<void> Updater::learn_bootloader(SteadyTime deadline) {
  if (bootloader_of_ == link_->opening().number) co_return;
  BootloaderInfo info;
  for (const bool ask_mode : {false, true}) {
    Bytes packet = bootloader_request(ask_mode);
    Patience patience = question(deadline);
    patience.attempts = 2;
    const auto body = co_await session_.ask(kBootloaderInfo, packet, patience);
    // All of this is optional in a child: no answer is an answer too, unless the link or the time ran out.
    if (!body && (body.error().code == Errc::unavailable || body.error().code == Errc::cancelled)) co_return;
    if (!body && clock_->now() >= deadline) co_return;
    if (!body) break;
    BootloaderInfo more = info;
    if (read_bootloader(*body, more)) info = std::move(more);
  }
  bootloader_ = std::move(info);
  bootloader_of_ = link_->opening().number;
}

wire::Seen Updater::seen_from(Slots slots) const {
  wire::Seen seen;
  const Character character = character_of(bootloader_, {.is_recovery = false, .images = image_count(slots)});
  seen.slots = std::move(slots);
  seen.revert_class = character.revert_class;
  seen.staging = character.staging;
  seen.obstacle = character.obstacle;
  seen.bootloader = text_of(bootloader_);
  return seen;
}

asio::awaitable<Result<wire::Seen>> Updater::inspect(plugin::Job job) {
  auto slots = co_await settled_list(job.deadline);
  if (!slots) co_return slots.error();
  co_await learn_bootloader(job.deadline);
  co_return seen_from(std::move(*slots));
}

// ------------------------------------------------------------------------------------------------------ delivering

asio::awaitable<Result<void>> Updater::deliver(plugin::Job job, wire::Deliver request, int image) {
  if (request.after.empty()) co_return Error{Errc::invalid, "without the digest that the child will list"};
  auto slots = co_await settled_list(SteadyTime::max());
  if (!slots) co_return slots.error();
  if (standby(*slots, request.image_number, request.after) != nullptr) co_return Result<void>{};
  auto sized = co_await packet_size_.find(session_, question(SteadyTime::max()));
  if (!sized) co_return sized.error();

  const UploadSource source{image, request.size, request.image, request.image_number};
  for (unsigned made = 0; made < kMaxUploads; ++made) {
    Upload upload(session_, packet_size_, *clock_, profile_);
    const auto end = co_await upload.run(source, job.progress);
    if (!end) co_return end.error();
    auto proven = co_await prove_delivered(request.image_number, request.after);
    const bool is_absent = !proven && proven.error().code == Errc::mismatch;
    if (!is_absent || *end == UploadEnd::complete) co_return proven;
  }
  co_return Error{Errc::io, "the child loses the upload at its end"};
}

asio::awaitable<Result<void>> Updater::prove_delivered(std::uint8_t image, Digest digest) {
  for (unsigned tries = 0; tries < kListTries; ++tries) {
    if (tries > 0) {
      co_await clock_->sleep_until(clock_->now() + kListPause);
    }
    const auto slots = co_await list(question(SteadyTime::max()));
    if (!slots) co_return slots.error();
    if (standby(*slots, image, digest) != nullptr) co_return Result<void>{};
  }
  co_return Error{Errc::mismatch, "uploaded, but the child does not list it"};
}

// --------------------------------------------------------------------------------------------------------- marking

asio::awaitable<Result<Slots>> Updater::mark(std::uint8_t image, Digest goal, Slots slots, SteadyTime deadline) {
  const wire::Slot* const before = standby(slots, image, goal);
  if (before == nullptr) co_return Error{Errc::not_found, "the image to be activated is not on the child"};
  if (before->pending) co_return slots;
  Bytes packet = test_request(goal);  // may be repeated: marking what is marked is nothing
  const auto marked = co_await session_.ask(kImageState, packet, question(deadline));
  if (!marked) co_return marked.error().within("mark for test");
  auto after = co_await list(question(deadline));
  if (!after) co_return after.error();
  const wire::Slot* const slot = standby(*after, image, goal);
  if (slot == nullptr || !slot->pending) co_return Error{Errc::mismatch, "marked, but the child does not list it so"};
  co_return after;
}

asio::awaitable<Result<plugin::Outcome>> Updater::activate(plugin::Job job, wire::Activate request) {
  auto slots = co_await settled_list(job.deadline);
  if (!slots) co_return slots.error();
  co_await learn_bootloader(job.deadline);
  if (request.moves.size() != 1) co_return Error{Errc::unsupported, "one image at a time"};
  const wire::Move& move = request.moves.front();
  const std::uint8_t image = move.image;
  if (!runs(*slots, image, move.active)) co_return outcome(false, std::move(*slots));
  if (runs(*slots, image, move.goal)) co_return outcome(true, std::move(*slots));
  auto marked = co_await mark(image, move.goal, std::move(*slots), job.deadline);
  if (!marked) co_return marked.error();
  auto back = co_await reset(std::move(*marked), job.deadline);
  if (!back) co_return back.error();
  co_return outcome(true, std::move(*back));
}

// -------------------------------------------------------------------------------------------------------- resetting

asio::awaitable<Result<bool>> Updater::send_reset(SteadyTime deadline) {
  Bytes packet = empty_request();
  Patience patience = question(deadline);
  patience.attempts = 1;
  const auto answer = co_await session_.ask(kReset, packet, patience);
  // However it ends, it may be on its way: nothing the child says before then is to be believed.
  quiet_until_ = clock_->now() + 2 * profile_.reset_delay + kResetMargin;
  if (answer) co_return true;
  const Errc code = answer.error().code;
  if (code == Errc::timed_out || code == Errc::unavailable || code == Errc::invalid) co_return false;  // counts as sent
  co_return answer.error().within("reset");
}

asio::awaitable<Result<Slots>> Updater::wait_back(Slots before, SteadyTime sent, SteadyTime deadline) {
  const SteadyTime certain = sent + 2 * profile_.reset_delay + kResetMargin;
  Milliseconds pause = kFirstPoll;
  for (;;) {
    const SteadyTime asked = clock_->now();
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled while the child restarts"};
    if (asked >= deadline) co_return Error{Errc::timed_out, "the child has not come back after the reset"};
    auto slots = co_await list({.answer = kPollAnswer, .attempts = 1, .deadline = deadline});
    // The same list is an answer only if it was asked for when a reset that had arrived would have happened.
    if (slots && (*slots != before || asked >= certain)) co_return slots;
    if (!slots && !is_silence(slots.error())) co_return slots.error();
    co_await clock_->sleep_until(std::min(clock_->now() + pause, deadline));
    pause = std::min(2 * pause, kLongestPoll);
  }
}

asio::awaitable<Result<Slots>> Updater::reset(Slots before, SteadyTime deadline) {
  for (unsigned sent = 0;;) {
    const auto answered = co_await send_reset(deadline);
    if (!answered) co_return answered.error();
    ++sent;
    auto slots = co_await wait_back(before, clock_->now(), deadline);
    if (!slots || *slots != before) co_return slots;
    if (sent < kMaxResets) continue;  // the list is as it was: the request was lost, or it changes nothing
    if (*answered) co_return slots;
    co_return Error{Errc::timed_out, "the child does not take the reset"};
  }
}

// ------------------------------------------------------------------------------------------------------- confirming

asio::awaitable<Result<Slots>> Updater::confirm_active(std::uint8_t image, Digest active_digest, Slots slots,
                                                       SteadyTime deadline) {
  // "Confirm what runs" means the first image only; others are named.
  const std::optional<Digest> hash = image == 0 ? std::nullopt : std::optional(active_digest);
  std::optional<Error> refusal;
  for (unsigned tries = 0; tries < kAttempts; ++tries) {
    if (!runs(slots, image, active_digest) || runs_for_good(slots, image, active_digest)) co_return slots;
    if (refusal) co_return *refusal;
    Bytes packet = confirm_request(hash);
    Patience once = question(deadline);
    once.attempts = 1;  // the list is read before it is asked again
    const auto confirmed = co_await session_.ask(kImageState, packet, once);
    if (!confirmed && confirmed.error().code != Errc::timed_out) refusal = confirmed.error().within("confirm");
    if (refusal && is_silence(*refusal)) co_return *refusal;
    auto after = co_await list(question(deadline));
    if (!after) co_return after.error();
    slots = std::move(*after);
  }
  if (runs_for_good(slots, image, active_digest) || !runs(slots, image, active_digest)) co_return slots;
  co_return refusal.value_or(Error{Errc::timed_out, "the child does not confirm"});
}

asio::awaitable<Result<plugin::Outcome>> Updater::confirm(plugin::Job job, wire::Confirm request) {
  auto slots = co_await settled_list(job.deadline);
  if (!slots) co_return slots.error();
  co_await learn_bootloader(job.deadline);
  if (request.guards.size() != 1) co_return Error{Errc::unsupported, "one image at a time"};
  const std::uint8_t image = request.guards.front().image;
  const Digest& wanted = request.guards.front().active;
  if (!runs(*slots, image, wanted)) co_return outcome(false, std::move(*slots));
  auto after = co_await confirm_active(image, wanted, std::move(*slots), job.deadline);
  if (!after) co_return after.error();
  const bool held = runs(*after, image, wanted);
  co_return outcome(held, std::move(*after));
}

// -------------------------------------------------------------------------------------------------------- reverting

asio::awaitable<Result<Slots>> Updater::step_back(wire::Move request, Slots slots, SteadyTime deadline) {
  const std::uint8_t image = request.image;
  const wire::Slot* const running = active(slots, image);
  if (running == nullptr) co_return Error{Errc::mismatch, "the child lists no running image"};
  if (anything_pending(slots, image)) co_return co_await reset(std::move(slots), deadline);  // play the mark through
  if (running->digest == request.goal) {
    co_return co_await confirm_active(image, request.goal, std::move(slots), deadline);
  }
  if (!running->confirmed) co_return co_await reset(std::move(slots), deadline);  // the bootloader takes it back
  auto marked = co_await mark(image, request.goal, std::move(slots), deadline);
  if (!marked) co_return marked.error();
  co_return co_await reset(std::move(*marked), deadline);
}

asio::awaitable<Result<plugin::Outcome>> Updater::revert(plugin::Job job, wire::Revert request) {
  auto slots = co_await settled_list(job.deadline);
  if (!slots) co_return slots.error();
  co_await learn_bootloader(job.deadline);
  if (request.moves.size() != 1) co_return Error{Errc::unsupported, "one image at a time"};
  const wire::Move& move = request.moves.front();
  const std::uint8_t image = move.image;
  if (!runs(*slots, image, move.active)) co_return outcome(false, std::move(*slots));
  for (unsigned steps = 0; steps < kMaxStepsBack; ++steps) {
    if (runs_for_good(*slots, image, move.goal)) break;
    auto after = co_await step_back(move, *slots, job.deadline);
    if (!after) co_return after.error();
    const bool is_stuck = *after == *slots;
    slots = std::move(after);
    if (is_stuck) break;
  }
  co_return outcome(true, std::move(*slots));
}

}  // namespace hg::smp
