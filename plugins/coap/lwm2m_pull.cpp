// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_pull.hpp"

#include <algorithm>

#include "coap/lwm2m_watch.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kDead = 120s;                   // a child gives a block up 93 s after it asked first
constexpr Milliseconds kBegins = 60s;                  // from the URI to its first request
constexpr Milliseconds kTakenUp = 60s;                 // from the loss of the daemon until it delivers again
constexpr unsigned kTold = 2;                          // times, for who does not begin
constexpr unsigned kBeginnings = 5;                    // of one that loses its download in a restart
constexpr auto kForEver = std::chrono::hours{24 * 7};  // the lane ends what does not move

/// "cert:" and the digest, or the PSK's identity: as the shelf knows who asks.
std::string identity_of(const Proof& proof) {
  if (!proof.is_secured) return {};
  return proof.identity.empty() ? "cert:" + proof.certificate.hex() : proof.identity;
}

}  // namespace

std::optional<std::uint64_t> PullProgress::sent(std::uint64_t offset, std::uint32_t size) {
  const std::uint64_t end = offset + size;
  const bool adjoins = offset == 0 || offset == end_ || end == end_;
  end_ = end;
  return adjoins ? std::optional(end) : std::nullopt;
}

/// What the blocks tell, shared with the shelf.
struct Pull::State {
  PullProgress progress;
  std::function<void(std::uint64_t, std::uint64_t)> report;
  std::uint64_t size = 0;
  bool has_begun = false;
  bool is_whole = false;  // the last block was sent
  std::shared_ptr<Contact> contact;
  std::shared_ptr<SteadyTime> moved;
  std::shared_ptr<void> standing;  // on the shelf
  std::string identity;            // for whom

  void sent(std::uint64_t offset, std::uint32_t count) {
    const bool was_whole = is_whole;
    const bool had_begun = has_begun;
    has_begun = true;
    *moved = contact->clock().now();
    static_cast<void>(contact->heard());  // it may pull from another port than it registers from
    const auto done = progress.sent(offset, count);
    is_whole = is_whole || offset + count >= size;
    if (done && report) report(*done, size);
    if (is_whole != was_whole || !had_begun) contact->bell()->ring();
  }
};

bool Pull::is_dead() const {
  return *moved_ != SteadyTime{} && in_->clock().now() > *moved_ + kDead;
}

std::string Pull::path_for(const std::string& child, const Digest& image) {
  return "fw/" + child + "/" + image.hex().substr(0, 16);
}

std::shared_ptr<void> Pull::place(const std::shared_ptr<State>& state, const Peer& peer, const wire::Deliver& request,
                                  const plugin::ImageView& image) const {
  Served served{image, request.size};
  const ByteView hash = request.image.bytes();
  std::copy_n(hash.begin(), std::min(hash.size(), served.etag.size()), served.etag.begin());
  served.block = in_->profile().block;
  served.identity = identity_of(peer.proof());
  served.sent = [weak = std::weak_ptr(state)](std::uint64_t offset, std::uint32_t size) {
    if (const auto still = weak.lock()) still->sent(offset, size);
  };
  return around_->server->shelf().put(path_for(request.task.child, request.image), std::move(served));
}

/// Writes the URI; what is written down before says whose download it is.
asio::awaitable<Result<void>> Pull::tell(std::shared_ptr<State> state, const wire::Deliver& request, Part part,
                                         SteadyTime deadline) {
  const auto peer = co_await in_->access().contact().peer(deadline);
  if (!peer) co_return peer.error();
  const std::string path = path_for(request.task.child, request.image);
  Brought brought = in_->brought().of(part.image);
  brought.stage = Stage::pulled;
  brought.view = request.image;
  brought.after = request.after;
  brought.size = request.size;
  brought.uri = uri_for(*around_, **peer, path);
  in_->brought().set(brought);
  ResourcePath resource = part.instance;
  resource.resource = firmware::kPackageUri;
  state->has_begun = false;
  state->is_whole = false;
  *moved_ = in_->clock().now();
  const auto written = co_await in_->access().write(resource, Value(brought.uri), deadline);
  co_return written;
}

asio::awaitable<Result<Fetched>> Pull::fetch(plugin::Job job, wire::Deliver request, plugin::ImageView image, Part part,
                                             bool at_once, bool goes_on) {
  auto fetched =
      co_await follow(std::move(job), std::move(request), std::move(image), std::move(part), at_once, goes_on);
  if (!fetched && fetched.error().code == Errc::cancelled) {
    around_->server->shelf().expect_until(in_->clock().now() + kTakenUp);
  }
  co_return fetched;
}

asio::awaitable<Result<Fetched>> Pull::follow(plugin::Job job, wire::Deliver request, plugin::ImageView image,
                                              Part part, bool at_once, bool goes_on) {
  const Clock& clock = in_->clock();
  const SteadyTime for_ever = clock.now() + kForEver;
  request.task.child = job.child;
  const auto state = std::make_shared<State>();
  state->report = job.progress;
  state->size = request.size;
  state->contact = in_->access().shared_contact();
  state->moved = moved_;
  if (*moved_ == SteadyTime{}) *moved_ = clock.now();
  const auto peer = co_await state->contact->peer(for_ever);
  if (!peer) co_return peer.error();
  state->identity = identity_of((*peer)->proof());
  state->standing = place(state, **peer, request, image);
  Watch watch(in_->access(), part.instance, in_->profile().poll);
  unsigned told = 0;
  unsigned beginnings = 1;
  bool has_moved = goes_on;  // it was seen to download
  bool hurried = false;
  SteadyTime begins_by = clock.now() + kBegins;
  unsigned registrations = state->contact->times_registered();
  for (;;) {
    if (told == 0 && !goes_on) {
      const auto written = co_await tell(state, request, part, for_ever);
      const bool is_refused =
          !written && (written.error().code == Errc::unsupported || written.error().code == Errc::mismatch);
      if (is_refused) co_return Fetched{false, written.error().message};
      if (!written) co_return written.error();
      told = 1;
      begins_by = clock.now() + kBegins;
      watch.hurry();
    }
    const bool has_begun = has_moved || state->has_begun;
    const auto standing = co_await watch.next(has_begun ? for_ever : begins_by);
    if (!standing) co_return standing.error();
    if (const auto& current = state->contact->current(); current && identity_of(current->proof()) != state->identity) {
      state->identity = identity_of(current->proof());
      state->standing = place(state, *current, request, image);
    }
    if (state->is_whole && !std::exchange(hurried, state->is_whole)) watch.hurry();
    if (*standing) {
      const Standing now = **standing;
      const bool is_idle = now.state == FirmwareState::idle;
      if (now.state == FirmwareState::downloaded && !at_once) co_return Fetched{true, {}};
      if (at_once && is_idle && now.result == UpdateResult::success && has_begun) co_return Fetched{true, {}};
      const bool is_of_this = has_begun || state->has_begun || now.result != part.firmware.result;
      if (is_failed(now.result) && is_of_this && now.state != FirmwareState::downloading) {
        auto cause = co_await in_->failure(part.instance, now.result);
        const bool cannot = now.result == UpdateResult::invalid_uri || now.result == UpdateResult::unsupported_protocol;
        if (cannot) co_return Fetched{false, cause.message};
        co_return cause;
      }
      const bool is_anew = has_moved || registrations != state->contact->times_registered();
      if (is_idle && now.result == UpdateResult::initial && is_anew) {
        if (beginnings++ == kBeginnings) {
          co_return Error{Errc::unavailable, "the child loses its download again and again in restarts"};
        }
        goes_on = has_moved = false;  // it has restarted, and knows nothing of it
        told = 0;
        registrations = state->contact->times_registered();
        continue;
      }
      has_moved = has_moved || !is_idle;
    }
    if (has_moved || state->has_begun || clock.now() < begins_by) continue;
    if (told >= kTold) co_return Fetched{false, "the child does not begin to pull"};
    const auto again = co_await tell(state, request, part, for_ever);
    if (!again) co_return again.error();
    ++told;
    begins_by = clock.now() + kBegins;
  }
}

}  // namespace hg::coap
