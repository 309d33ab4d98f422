// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_contact.hpp"

#include <algorithm>
#include <utility>

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kFirstPause = 1s;  // after an answer that did not come
constexpr Milliseconds kLongestPause = 30s;

}  // namespace

Contact::Contact(std::shared_ptr<Clock> clock, const Profile& profile)
    : clock_(std::move(clock)), bell_(clock_->make_bell()), why_("it has not registered yet") {
  use(profile);
}

void Contact::use(const Profile& profile) {
  awake_ = profile.awake;
  answer_ = profile.answer;
  ack_timeout_ = profile.ack_timeout;
  if (peer_) peer_->set_ack_timeout(ack_timeout_);
}

void Contact::registered(Registration registration) {
  registration_ = std::move(registration);
  ++times_registered_;
}

void Contact::arrive(std::shared_ptr<Peer> peer, std::shared_ptr<void> hold) {
  peer_ = std::move(peer);
  hold_ = std::move(hold);
  why_.clear();
  peer_->set_ack_timeout(ack_timeout_);
  heard_ = clock_->now();
  bell_->ring();
}

void Contact::leave(std::string why) {
  peer_.reset();
  hold_.reset();
  why_ = std::move(why);
  bell_->ring();
}

void Contact::forget(std::string why) {
  registration_.reset();
  leave(std::move(why));
}

bool Contact::heard() {
  const bool was_awake = is_awake();
  heard_ = clock_->now();
  if (listens_ || !was_awake) bell_->ring();
  return !was_awake;
}

bool Contact::is_awake() const {
  return !registration_ || !registration_->queues || clock_->now() < awake_until();
}

std::string Contact::obstacle() const {
  if (!peer_) return why_;
  return is_awake() ? std::string() : "asleep until its next update";
}

std::string Contact::path(const std::string& below) const {
  return registration_ ? registration_->objects.path_of(below) : below;
}

asio::awaitable<Result<void>> Contact::wait_for_word(SteadyTime time) {
  listens_ = true;
  auto waited = co_await wait_until(time);
  listens_ = false;
  co_return waited;
}

asio::awaitable<Result<void>> Contact::wait_until(SteadyTime time) {
  co_await bell_->wait_until(time);
  const bool is_cancelled = co_await was_cancelled();
  if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  co_return Result<void>{};
}

asio::awaitable<Result<std::shared_ptr<Peer>>> Contact::peer(SteadyTime deadline) {
  for (;;) {
    if (peer_ && !peer_->is_lost() && is_awake()) co_return peer_;
    if (clock_->now() >= deadline) co_return Error{Errc::unavailable, "the child cannot be asked: " + obstacle()};
    const auto waited = co_await wait_until(deadline);
    if (!waited) co_return waited.error();
  }
}

asio::awaitable<Result<Answer>> Contact::ask_once(Request request, SteadyTime deadline) {
  const auto reached = co_await peer(deadline);
  if (!reached) co_return reached.error();
  const std::shared_ptr<Peer> asked = *reached;
  const SteadyTime end = std::min(deadline, clock_->now() + answer_);
  auto answer = co_await asked->ask(std::move(request), end);
  co_return answer;
}

asio::awaitable<Result<Answer>> Contact::ask(Request request, SteadyTime deadline) {
  Milliseconds between = kFirstPause;
  for (;;) {
    const unsigned registrations = times_registered_;
    const SteadyTime asked = clock_->now();
    auto answer = co_await ask_once(request, deadline);
    if (answer || !answer.error().is_transient()) co_return answer;
    if (clock_->now() >= deadline) co_return answer.error();
    const SteadyTime again = std::min(deadline, clock_->now() + between);
    between = std::min(2 * between, kLongestPause);
    // A child that speaks is asked at once; one that does not, after a while.
    while (clock_->now() < again && heard_ <= asked && times_registered_ == registrations) {
      const auto waited = co_await wait_for_word(again);
      if (!waited) co_return waited.error();
    }
  }
}

}  // namespace hg::coap
