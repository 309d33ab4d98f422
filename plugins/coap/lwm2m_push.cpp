// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_push.hpp"

#include <algorithm>
#include <utility>

#include "coap/lwm2m_pull.hpp"
#include "coap/lwm2m_watch.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr unsigned kBreaks = 3;
constexpr Milliseconds kFirstRousing = 2s;
constexpr Milliseconds kLongestRousing = 60s;
constexpr Milliseconds kRousing = 5min;   // in all
constexpr Milliseconds kSaysTaken = 60s;  // from the last block to State 2
constexpr auto kForEver = std::chrono::hours{24 * 7};
constexpr std::uint16_t kUpdateTrigger = 8;  // of object 1: Registration Update Trigger

}  // namespace

asio::awaitable<bool> Pushing::trigger(std::string child, SteadyTime deadline) {
  Contact& contact = in_->access().contact();
  const auto& registration = contact.registration();
  if (!registration || !registration->objects.has(kServerObject)) co_return false;
  const auto servers = registration->objects.instances(kServerObject);
  const ResourcePath path{kServerObject, servers.empty() ? std::uint16_t{0} : servers.front(), kUpdateTrigger, {}};
  Request request;
  request.method = Method::post;
  request.path = contact.path(text_of(path));
  std::shared_ptr<Peer> peer = contact.current();
  if (!peer || peer->is_lost()) {
    std::optional<std::string> key;
    if (registration->is_secured) key = std::move(child);
    auto reached = co_await around_->server->reach(registration->address, std::move(key));
    if (!reached) co_return false;
    peer = std::move(*reached);
  }
  const auto answer = co_await peer->ask(std::move(request), deadline);
  co_return answer.has_value();
}

asio::awaitable<Result<void>> Pushing::rouse(std::string child) {
  Contact& contact = in_->access().contact();
  const SteadyTime broke = in_->clock().now();
  const unsigned registrations = contact.times_registered();
  const auto speaks = [&] { return contact.last_heard() > broke || contact.times_registered() != registrations; };
  unsigned times = 0;
  for (Milliseconds pause = kFirstRousing; !speaks(); pause = std::min(2 * pause, kLongestRousing)) {
    const SteadyTime next = in_->clock().now() + pause;
    while (!speaks() && in_->clock().now() < next) {
      const auto waited = co_await contact.wait_for_word(next);
      if (!waited) co_return waited.error();
    }
    if (speaks()) break;
    if (in_->clock().now() >= broke + kRousing) {
      co_return Error{Errc::unavailable, "the child is silent since a push broke off, and was asked " +
                                             std::to_string(times) + " times to register again"};
    }
    if (times++ == 0) around_->log(child + ": silent since a push broke off; it is asked to register again");
    const auto is_answered = co_await trigger(child, in_->clock().now() + in_->profile().answer);
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled while the child is silent"};
    if (is_answered) break;
  }
  co_return Result<void>{};
}

/// What the child makes of what it has got.
asio::awaitable<Result<void>> Pushing::taken(Part part, bool at_once) {
  Watch watch(in_->access(), part.instance, in_->profile().poll);
  watch.hurry();
  const SteadyTime end = in_->clock().now() + (at_once ? Milliseconds(kForEver) : kSaysTaken);
  Standing last;
  while (in_->clock().now() < end) {
    const auto standing = co_await watch.next(end);
    if (!standing) co_return standing.error();
    if (!*standing) continue;
    last = **standing;
    if (last.state == FirmwareState::downloaded && !at_once) co_return Result<void>{};
    if (at_once && last.state == FirmwareState::idle && last.result == UpdateResult::success) co_return Result<void>{};
    if (is_failed(last.result) && last.state != FirmwareState::updating) co_return failed_with(last.result);
  }
  co_return Error{Errc::timed_out, "the child took the whole image and does not hold it: " + text_of(last)};
}

asio::awaitable<Result<void>> Pushing::bring(plugin::Job job, wire::Deliver request, plugin::ImageView image, Part part,
                                             bool at_once) {
  const SteadyTime for_ever = in_->clock().now() + kForEver;
  for (unsigned breaks = 0;;) {
    if (breaks != 0) {
      const auto withdrawn = co_await in_->withdraw(part.instance, for_ever);
      if (!withdrawn) co_return withdrawn.error().within("begin the push anew");
    }
    const auto peer = co_await in_->access().contact().peer(for_ever);
    if (!peer) co_return peer.error();
    Brought brought = in_->brought().of(part.image);
    brought.stage = Stage::pushed;
    brought.view = request.image;
    brought.after = request.after;
    brought.size = request.size;
    brought.uri.clear();
    in_->brought().set(brought);
    ResourcePath path = part.instance;
    path.resource = firmware::kPackage;
    coap::Push push{in_->access().contact().path(text_of(path)), image, request.size, in_->profile().block};
    const std::uint64_t size = request.size;
    std::function<void(std::uint64_t)> progress = [report = job.progress, size](std::uint64_t done) {
      if (report) report(done, size);
    };
    const std::shared_ptr<Peer> to = *peer;
    const auto answer = co_await to->push(std::move(push), std::move(progress));
    if (answer && is_success(answer->code)) {
      const auto held = co_await taken(part, at_once);
      co_return held;
    }
    if (answer) {
      const auto standing = co_await in_->access().standing(part.instance, in_->clock().now() + in_->profile().answer);
      if (standing && is_failed(standing->result)) co_return failed_with(standing->result);
      co_return error_of(*answer, "push");
    }
    if (!answer.error().is_transient()) co_return answer.error().within("push");
    if (++breaks == kBreaks) {
      co_return answer.error().within("the push broke off " + std::to_string(breaks) + " times");
    }
    const auto roused = co_await rouse(job.child);
    if (!roused) co_return roused.error();
  }
}

}  // namespace hg::coap
