// SPDX-License-Identifier: Apache-2.0
#include "smp/child_kit.hpp"

#include <algorithm>
#include <utility>

namespace hg::smp {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr unsigned kFirstAttempts = 2;  // one lost packet must not make a child one without the kit
constexpr unsigned kMaxWaits = 3;       // how often a child puts a reset off
constexpr Milliseconds kLongestWait = 20s;
constexpr Milliseconds kRoomForReset = 30s;  // of the deadline, which waiting must leave

}  // namespace

void ChildKit::notice_opening() {
  const std::uint64_t number = link_->limits().is_opened_on_demand ? inquiry_->resets() + 1 : link_->opening().number;
  if (number == opening_) return;
  opening_ = number;
  is_silent_ = false;
  last_.reset();
}

asio::awaitable<Result<std::optional<KitStatus>>> ChildKit::status(SteadyTime deadline) {
  notice_opening();
  if (is_silent_) co_return std::optional<KitStatus>{};
  Patience patience = inquiry_->patience(deadline);
  if (!last_) patience.attempts = kFirstAttempts;
  const auto body = co_await inquiry_->ask(kKitStatus, kit_status_request(), patience);
  if (!body && is_over(body.error())) co_return body.error();
  if (!body && body.error().code == Errc::timed_out) {
    is_silent_ = !last_;
    co_return last_;
  }
  if (!body) {
    last_.reset();
    co_return last_;
  }
  const auto status = kit_status_in(*body);
  last_ = status ? std::optional(*status) : std::nullopt;  // the group may be somebody else's
  if (last_) link_->child_says_level(last_->link_level.value_or(0));
  co_return last_;
}

asio::awaitable<Result<plugin::Willingness>> ChildKit::offer(wire::Offer offer, SteadyTime deadline) {
  const auto known = co_await status(deadline);
  if (!known) co_return known.error();
  if (!*known || !(*known)->can_offer) co_return plugin::Willingness{};
  const KitOffer question{offer.image_number, offer.version, offer.size, offer.urgency};
  const auto body = co_await inquiry_->ask(kKitOffer, offer_request(question), inquiry_->patience(deadline));
  if (!body) co_return body.error().within("offer");
  auto decision = decision_in(*body);
  if (!decision) co_return decision.error().within("offer");
  co_return plugin::Willingness{decision->willing, Milliseconds{static_cast<std::int64_t>(decision->wait_ms)},
                                std::move(decision->text)};
}

asio::awaitable<Result<void>> ChildKit::announce_reset(SteadyTime deadline) {
  notice_opening();
  if (!last_ || !last_->can_notice) co_return Result<void>{};
  for (unsigned waits = 0;; ++waits) {
    const auto body = co_await inquiry_->ask(kKitNotice, notice_request(KitNotice()), inquiry_->patience(deadline));
    if (!body && is_over(body.error())) co_return body.error();
    if (!body) co_return Result<void>{};  // a courtesy: who does not take it is not spared the reset
    const auto wait = notice_answer_in(*body);
    if (!wait || *wait == 0) co_return Result<void>{};
    const Milliseconds time{static_cast<std::int64_t>(*wait)};
    const bool has_room = clock_->now() + time + kRoomForReset <= deadline;
    if (waits == kMaxWaits || time > kLongestWait || !has_room) {
      co_return Error{Errc::busy, "the child does not want to be reset for " + std::to_string(*wait) + " ms"};
    }
    co_await clock_->sleep_until(clock_->now() + time);
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  }
}

asio::awaitable<Result<void>> ChildKit::confirm_all(std::vector<wire::Guard> running, SteadyTime deadline) {
  Bytes packet = confirm_all_request(running);
  const auto body = co_await inquiry_->ask(kKitConfirmAll, std::move(packet), inquiry_->patience(deadline));
  if (!body) co_return body.error().within("confirm all images");
  co_return Result<void>{};
}

asio::awaitable<Result<Bytes>> ChildKit::identify(Bytes nonce, SteadyTime deadline) {
  auto packet = identify_request(nonce);
  if (!packet) co_return packet.error();
  const auto body = co_await inquiry_->ask(kKitIdentify, std::move(*packet), inquiry_->patience(deadline));
  if (!body) co_return body.error().within("identify");
  co_return evidence_in(*body);
}

asio::awaitable<Result<void>> ChildKit::prove(Bytes proof, SteadyTime deadline) {
  auto packet = prove_request(proof);
  if (!packet) co_return packet.error();
  const auto body = co_await inquiry_->ask(kKitProve, std::move(*packet), inquiry_->patience(deadline));
  if (!body) co_return body.error().within("prove");
  co_return Result<void>{};
}

}  // namespace hg::smp
