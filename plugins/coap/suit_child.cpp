// SPDX-License-Identifier: Apache-2.0
#include "coap/suit_child.hpp"

#include <algorithm>
#include <utility>

#include "base/version_mark.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kUntold = "untold";  // stands for the version of a child that says none
constexpr Milliseconds kFirstLook = 1s;         // at the version, after the last block; doubles
constexpr Milliseconds kLongestLook = 15s;

/// What it says, without the line end and the spaces around it; cut where a version must end.
std::string text_in(const Answer& answer) {
  std::string text(answer.body.begin(), answer.body.end());
  const auto is_print = [](char c) { return c > ' ' && c < 0x7F; };
  const auto first = std::ranges::find_if(text, is_print);
  const auto last = std::find_if_not(first, text.end(), is_print);
  return std::string(first, last).substr(0, 62);
}

Error error_of(const Answer& answer, const std::string& what) {
  return Error{Errc::denied, what + " was answered " + text_of(answer.code)};
}

bool holds(const wire::Seen& seen, std::uint8_t number, const Digest& active) {
  return std::ranges::any_of(
      seen.slots, [&](const wire::Slot& slot) { return slot.image == number && slot.active && slot.digest == active; });
}

}  // namespace

SuitChild::SuitChild(std::shared_ptr<SuitLink> link, std::shared_ptr<Clock> clock, Server& server,
                     const Profile& profile, std::filesystem::path untold)
    : link_(std::move(link)),
      clock_(std::move(clock)),
      bell_(clock_->make_bell()),
      server_(server),
      profile_(profile),
      untold_(std::move(untold)) {}

void SuitChild::close() {
  link_->close();
  serving_.reset();
  bell_->ring();
}

// ------------------------------------------------------------------------------------------------------ what it says

asio::awaitable<Result<std::string>> SuitChild::version(SteadyTime deadline) {
  Request question{.path = profile_.version, .accept = Format::text};
  const auto answer = co_await link_->ask(std::move(question), deadline);
  if (!answer) co_return answer.error().within("ask for " + profile_.version);
  version_ = is_success(answer->code) ? text_in(*answer) : std::string();
  untold_.hear(version_);
  co_return version_;
}

/// One image for the manifest and one for each payload, all of the one version that it tells.
wire::Seen SuitChild::seen(const std::string& version) const {
  wire::Seen seen;
  seen.evidence = wire::Evidence::version;
  seen.revert_class = wire::RevertClass::unstageable;
  seen.bootloader = "SUIT over CoAP";
  for (std::uint8_t number = 0; number <= profile_.payloads; ++number) {
    const Digest mark = version_mark(number, version.empty() ? kUntold : std::string_view(version));
    seen.slots.push_back({.image = number,
                          .slot = 0,
                          .version = version,
                          .digest = mark,
                          .bootable = true,
                          .confirmed = true,
                          .active = true});
    const auto untold = untold_.images().find(number);
    if (untold == untold_.images().end() || untold->second == mark) continue;
    seen.slots.push_back(
        {.image = number, .slot = 1, .version = {}, .digest = untold->second, .bootable = true, .pending = true});
  }
  return seen;
}

asio::awaitable<Result<wire::Seen>> SuitChild::look(SteadyTime deadline) {
  const auto said = co_await version(deadline);
  if (!said) co_return said.error();
  co_return seen(*said);
}

asio::awaitable<Result<wire::Seen>> SuitChild::inspect(plugin::Job job) {
  co_return co_await look(job.deadline);
}

asio::awaitable<Result<plugin::Willingness>> SuitChild::offer(plugin::Job, wire::Offer) {
  co_return plugin::Willingness{};  // it can only refuse the manifest
}

asio::awaitable<bool> SuitChild::runs(Digest after, std::uint8_t number) {
  const auto said = co_await version(clock_->now() + profile_.answer);
  co_return said&& version_mark(number, *said) == after;
}

// ---------------------------------------------------------------------------------------------------------- delivery

asio::awaitable<Result<plugin::Outcome>> SuitChild::deliver(plugin::Job job, wire::Deliver request,
                                                            plugin::ImageView image) {
  if (!request.record.empty())
    co_return Error{Errc::unsupported, "a delivery record cannot be brought to a child that pulls by SUIT"};
  const auto now = co_await look(clock_->now() + profile_.answer);
  if (!now) co_return now.error();
  if (request.staging != wire::Staging::aside) co_return plugin::Outcome{false, *now};
  const std::uint8_t number = request.image_number;
  if (holds(*now, number, request.after)) co_return plugin::Outcome{};
  if (number > profile_.payloads)
    co_return Error{Errc::invalid, "image " + std::to_string(number) +
                                       ": the profile says payloads = " + std::to_string(profile_.payloads)};
  if (number == 0 || !serving_) {
    const auto moved = [bell = bell_, link = link_] {
      link->heard();
      bell->ring();
    };
    serving_ = std::make_unique<SuitServing>(clock_, moved);
    afters_.clear();
  }
  afters_[number] = request.after;
  serving_->keep(number, std::move(image), request.size, request.image);
  if (number < profile_.payloads) co_return plugin::Outcome{};  // it can be shown with the last one only
  const auto begun = co_await begin(clock_->now() + profile_.answer);
  if (!begun) {
    serving_.reset();  // the order may have come all the same
    co_return begun.error();
  }
  const auto served = co_await follow(std::move(job), request.after, number);
  if (!served) {
    serving_.reset();  // it is to stop pulling
    co_return served.error();
  }
  co_return plugin::Outcome{};
}

/// Puts everything in its place, and tells the child.
asio::awaitable<Result<void>> SuitChild::begin(SteadyTime deadline) {
  const std::shared_ptr<Peer> peer = link_->peer();
  if (!peer) co_return Error{Errc::unavailable, "the child does not answer"};
  const std::string identity = link_->is_secured() ? link_->identity() : std::string();
  const Recipient recipient{identity, peer->address(), profile_.block, profile_.manifest};
  const auto offered = serving_->offer(server_.shelf(), recipient);
  if (!offered) co_return offered.error();
  co_return co_await trigger(deadline);
}

asio::awaitable<Result<void>> SuitChild::trigger(SteadyTime deadline) {
  const std::shared_ptr<Peer> peer = link_->peer();
  if (!peer) co_return Error{Errc::unavailable, "the child does not answer"};
  const std::string local = peer->local_address();
  const std::string host = local.substr(0, local.rfind(':'));
  const std::string port = std::to_string(link_->is_secured() ? server_.secure_port() : server_.port());
  const std::string url = (link_->is_secured() ? "coaps://" : "coap://") + host + ":" + port + "/" + profile_.manifest;
  Request order{.method = Method::post, .path = profile_.trigger, .format = Format::text};
  order.body.assign(url.begin(), url.end());
  const auto answer = co_await link_->ask(std::move(order), deadline);
  if (!answer) co_return answer.error().within("tell the child where its manifest is");
  if (!is_success(answer->code)) co_return error_of(*answer, "POST " + profile_.trigger);
  co_return Result<void>{};
}

/// Until it says the new version, has had all of it long enough, or has obviously refused. Whether it still moves is
/// the daemon's question: it knows how long a pause may be.
asio::awaitable<Result<void>> SuitChild::follow(plugin::Job job, Digest after, std::uint8_t number) {
  const std::string before = version_;
  Milliseconds pause = kFirstLook;
  SteadyTime next_look{};
  for (;;) {
    if (!serving_) co_return Error{Errc::unavailable, "no longer enrolled"};
    const SuitServing::Course manifest = serving_->course(0);
    const SuitServing::Course payload = serving_->course(number);
    job.progress(payload.reached, payload.size);
    const SteadyTime now = clock_->now();
    const bool is_refused = manifest.is_whole() && !payload.is_begun() && now >= manifest.last + profile_.refusal;
    if ((payload.is_whole() || is_refused) && now >= next_look) {
      const bool is_there = co_await runs(after, number);
      if (is_there) co_return Result<void>{};
      next_look = clock_->now() + pause;
      pause = std::min(2 * pause, kLongestLook);
    }
    if (is_refused)
      co_return Error{Errc::denied,
                      "the child has fetched its manifest and asks for no payload: it has refused it"
                      " (signature, class, sequence number?)"};
    if (payload.is_whole() && now >= payload.last + profile_.verdict) {
      for (const auto& [each, listed] : afters_) untold_.add(before, each, listed);
      co_return Result<void>{};
    }
    SteadyTime wake = now + profile_.poll;
    if (payload.is_whole())
      wake = std::min(next_look, payload.last + profile_.verdict);
    else if (manifest.is_whole() && !payload.is_begun())
      wake = manifest.last + profile_.refusal;
    co_await bell_->wait_until(wake);
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  }
}

// --------------------------------------------------------------------------------------------- what cannot be ordered

asio::awaitable<Result<plugin::Outcome>> SuitChild::activate(plugin::Job job, wire::Activate request) {
  const auto now = co_await look(job.deadline);
  if (!now) co_return now.error();
  const auto is_done = [&](const wire::Move& move) { return holds(*now, move.image, move.goal); };
  co_return plugin::Outcome{std::ranges::all_of(request.moves, is_done), *now};
}

asio::awaitable<Result<plugin::Outcome>> SuitChild::confirm(plugin::Job job, wire::Confirm request) {
  const auto now = co_await look(job.deadline);
  if (!now) co_return now.error();
  const auto is_true = [&](const wire::Guard& guard) { return holds(*now, guard.image, guard.active); };
  co_return plugin::Outcome{std::ranges::all_of(request.guards, is_true), *now};
}

asio::awaitable<Result<plugin::Outcome>> SuitChild::revert(plugin::Job job, wire::Revert request) {
  serving_.reset();
  const auto now = co_await look(job.deadline);
  if (!now) co_return now.error();
  const auto is_done = [&](const wire::Move& move) { return holds(*now, move.image, move.goal); };
  co_return plugin::Outcome{std::ranges::all_of(request.moves, is_done), *now};
}

}  // namespace hg::coap
