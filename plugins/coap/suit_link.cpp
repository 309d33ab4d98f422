// SPDX-License-Identifier: Apache-2.0
#include "coap/suit_link.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kFirstPause = 2s;  // before a child that is not there is looked for again; doubles
constexpr Milliseconds kLongestPause = 60s;
constexpr unsigned kDeafAfter = 2;  // questions without an answer: a child that has restarted knows no session any more

}  // namespace

SuitLink::SuitLink(Parts parts, std::string child, Address address, const Profile& profile)
    : parts_(std::move(parts)),
      child_(std::move(child)),
      address_(std::move(address)),
      profile_(profile),
      bell_(parts_.clock->make_bell()) {}

void SuitLink::start() {
  asio::co_spawn(parts_.executor, run(shared_from_this()), asio::detached);
}

void SuitLink::close() {
  is_closed_ = true;
  if (peer_) parts_.server.drop(peer_);
  peer_.reset();
  bell_->ring();
}

void SuitLink::use_key(std::string identity) {
  identity_ = std::move(identity);
  keys_ += 1;
  if (!address_.is_secured) return;
  if (peer_) parts_.server.drop(peer_);
  peer_.reset();
  bell_->ring();
}

asio::awaitable<void> SuitLink::run(std::shared_ptr<SuitLink> self) {
  Milliseconds pause = kFirstPause;
  while (!self->is_closed_) {
    const auto found = co_await self->look();
    if (self->is_closed_) break;
    const SteadyTime now = self->parts_.clock->now();
    const bool is_there = found || self->is_speaking();
    self->say(is_there, is_there ? "" : found.error().message);
    const Milliseconds wait = is_there ? self->profile_.poll : pause;
    pause = is_there ? kFirstPause : std::min(2 * pause, kLongestPause);
    co_await self->bell_->wait_until(now + wait);
  }
}

bool SuitLink::is_speaking() const {
  return heard_ != SteadyTime{} && parts_.clock->now() < heard_ + profile_.answer;
}

/// Whether it answers: any answer will do. One that pulls may have no time to.
asio::awaitable<Result<void>> SuitLink::look() {
  if (!peer_ || peer_->is_lost()) {
    std::optional<std::string> key_of;
    if (address_.is_secured) key_of = child_;
    const unsigned keys = keys_;
    auto reached = co_await parts_.server.reach(address_.name, key_of);
    if (reached && (is_closed_ || keys != keys_)) parts_.server.drop(*reached);
    if (is_closed_) co_return Error{Errc::unavailable, "no longer enrolled"};
    if (!reached) co_return reached.error();
    if (keys != keys_) co_return Error{Errc::unavailable, "its key has changed meanwhile"};
    peer_ = std::move(*reached);
    peer_->set_ack_timeout(profile_.ack_timeout);
  }
  const std::shared_ptr<Peer> peer = peer_;
  Request question{.path = profile_.version, .accept = Format::text};
  const auto answer = co_await peer->ask(std::move(question), parts_.clock->now() + profile_.answer);
  if (answer) {
    unanswered_ = 0;
    co_return Result<void>{};
  }
  const bool is_deaf = address_.is_secured && !is_speaking() && ++unanswered_ >= kDeafAfter;
  if (peer_ == peer && (is_deaf || answer.error().code == Errc::unavailable)) {
    parts_.server.drop(peer_);
    peer_.reset();
    unanswered_ = 0;
  }
  co_return answer.error();
}

void SuitLink::say(bool is_up, std::string why) {
  wire::Link link{child_, is_up, std::move(why), wire::LinkSecurity::none};
  if (is_up && address_.is_secured) link.security = wire::LinkSecurity::proven;  // it answers, or pulls, with its key
  if (said_ == link) return;
  said_ = link;
  parts_.report(link);
}

asio::awaitable<Result<Answer>> SuitLink::ask(Request request, SteadyTime deadline) {
  const std::shared_ptr<Peer> peer = peer_;
  if (!peer || peer->is_lost()) co_return Error{Errc::unavailable, "the child does not answer at " + address_.name};
  co_return co_await peer->ask(std::move(request), deadline);
}

}  // namespace hg::coap
