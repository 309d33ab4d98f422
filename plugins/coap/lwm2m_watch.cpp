// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_watch.hpp"

#include <algorithm>

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kSoon = 500ms;

}  // namespace

Watch::Watch(Access& access, ResourcePath instance, Milliseconds poll)
    : access_(&access), instance_(instance), poll_(poll), between_(poll), told_(std::make_shared<Told>()) {
  told_->bell = access.contact().bell();
}

Watch::~Watch() {
  if (observed_ && !observed_->is_lost()) observed_->forget_observations();
}

void Watch::hurry() {
  between_ = std::min(kSoon, poll_);
}

/// Best effort: a child that does not let itself be observed is read.
asio::awaitable<void> Watch::observe(SteadyTime until) {
  Contact& contact = access_->contact();
  const auto peer = contact.current();
  if (!peer || peer->is_lost() || !contact.is_awake()) co_return;
  if (peer == observed_ && registrations_ == contact.times_registered()) co_return;
  observed_ = peer;
  registrations_ = contact.times_registered();
  told_->is_due = true;
  const auto notify = [told = std::weak_ptr(told_)](const Answer&) {
    const auto still = told.lock();
    if (!still) return;
    still->is_due = true;
    still->bell->ring();
  };
  for (const std::uint16_t resource : {firmware::kState, firmware::kResult}) {
    ResourcePath path = instance_;
    path.resource = resource;
    Request request;
    request.path = contact.path(text_of(path));
    request.accept = Format::text;
    const auto answer = co_await peer->observe(std::move(request), until, notify);
    if (!answer) break;
  }
}

asio::awaitable<Result<std::optional<Standing>>> Watch::next(SteadyTime until) {
  Contact& contact = access_->contact();
  const Clock& clock = contact.clock();
  for (;;) {
    co_await observe(std::min(until, clock.now() + poll_));
    if (told_->is_due || clock.now() >= last_ + between_) {
      told_->is_due = false;
      const auto standing = co_await access_->standing(instance_, until);
      last_ = clock.now();
      between_ = std::min(2 * between_, poll_);
      if (standing) co_return std::optional<Standing>(*standing);
      if (!standing.error().is_transient()) co_return standing.error();
    }
    if (clock.now() >= until) co_return std::optional<Standing>();
    const auto waited = co_await contact.wait_until(std::min(until, last_ + between_));
    if (!waited) co_return waited.error();
  }
}

}  // namespace hg::coap
