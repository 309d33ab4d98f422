// SPDX-License-Identifier: Apache-2.0
#include "smp/session.hpp"

#include <algorithm>
#include <utility>

namespace hg::smp {
namespace asio = boost::asio;
namespace {

/// After this long no answer comes any more: the longest that a child works on one request is an erase.
constexpr std::chrono::seconds kLatestAnswer{60};

constexpr std::uint8_t first_version(Speaks speaks) {
  return speaks == Speaks::only_v1 ? 0 : 1;
}

bool is_same(Command one, Command other) {
  return one.op == other.op && one.group == other.group && one.id == other.id;
}

/// Changes nothing at the child.
bool is_harmless(Command command) {
  return command.op == Op::read || is_same(command, kEcho);
}

bool is_silence(const Result<Answer>& answer) {
  return !answer && answer.error().code == Errc::timed_out;
}

bool refuses_version(const std::optional<Refusal>& refusal) {
  return refusal && !refusal->group && (refusal->code == kVersionTooOld || refusal->code == kVersionTooNew);
}

}  // namespace

Session::Session(Link& link, Clock& clock, Speaks speaks)
    : link_(&link),
      clock_(&clock),
      speaks_(speaks),
      // Not always from 0: answers to a plugin that was killed a moment ago may still be on their way.
      sequence_(static_cast<std::uint8_t>(clock.now().time_since_epoch() / std::chrono::milliseconds(1))),
      version_(first_version(speaks)) {}

void Session::notice_opening() {
  const std::uint64_t number = link_->opening().number;
  if (number == opening_) return;
  opening_ = number;
  if (link_->limits().is_opened_on_demand && has_answered_) {
    ++start_;  // it may be another one, but speaks the version that it spoke unless it falls silent
  } else {
    begin_anew();
  }
}

void Session::begin_anew() {
  ++start_;
  version_ = first_version(speaks_);
  has_answered_ = false;
  owes_version_2_ = false;
}

void Session::doubt() {
  ++start_;
  has_answered_ = false;
  owes_version_2_ = speaks_ == Speaks::either && version_ == 0;
}

std::uint64_t Session::start() {
  notice_opening();
  return start_;
}

std::uint8_t Session::take_number() {
  const SteadyTime now = clock_->now();
  std::uint8_t oldest = sequence_;
  for (std::size_t tried = 0; tried < uses_.size(); ++tried) {
    const std::uint8_t number = sequence_++;
    if (uses_[number].unanswered == 0 || now - uses_[number].at >= kLatestAnswer) return number;
    if (uses_[number].at < uses_[oldest].at) oldest = number;
  }
  sequence_ = static_cast<std::uint8_t>(oldest + 1);
  return oldest;
}

// -------------------------------------------------------------------------------------------------- out and in

asio::awaitable<Result<void>> Session::put(Command command, std::span<std::uint8_t> packet, std::uint8_t sequence,
                                           SteadyTime deadline) {
  put_header(packet, command, version_, sequence);
  Use& use = uses_[sequence];
  ++use.unanswered;
  use.at = clock_->now();
  co_return co_await link_->write(packet, deadline);
}

asio::awaitable<Result<Session::Received>> Session::receive(SteadyTime deadline) {
  for (;;) {
    auto packet = co_await link_->read(deadline);
    if (!packet) co_return packet.error();
    const auto header = header_of(*packet);
    if (!header) continue;
    Use& use = uses_[header->sequence];
    if (use.unanswered == 0 || !answers(*header, use.command, header->sequence)) continue;  // doubled, or not for us
    --use.unanswered;
    packet->erase(packet->begin(), packet->begin() + kHeaderSize);
    co_return Received{header->sequence, std::move(*packet)};
  }
}

Answer Session::judge(Received received) {
  has_answered_ = true;
  Answer answer{received.sequence, std::move(received.body), std::nullopt};
  auto refusal = refusal_in(*answer.body);
  if (!refusal) {
    answer.body = refusal.error().within("answer of the child");
  } else if (*refusal) {
    answer.refusal = std::move(*refusal);
    answer.body = error_from(*answer.refusal);
  }
  return answer;
}

// ------------------------------------------------------------------------------------------ one request at a time

asio::awaitable<Result<Bytes>> Session::attempt(Command command, std::span<std::uint8_t> packet, std::uint8_t sequence,
                                                Patience patience) {
  const auto deadline_from = [&](SteadyTime begun) { return std::min(patience.deadline, begun + patience.answer); };
  auto written = co_await put(command, packet, sequence, deadline_from(clock_->now()));
  if (!written) co_return written.error();
  // A link may keep a silence before it sends (Link::write), longer than an answer takes.
  const SteadyTime deadline = deadline_from(clock_->now());
  for (;;) {
    auto received = co_await receive(deadline);
    if (!received) co_return received.error();
    if (received->sequence == sequence) co_return std::move(received->body);
  }
}

asio::awaitable<Result<Answer>> Session::ask_in_version(Command command, std::span<std::uint8_t> packet,
                                                        Patience patience) {
  // The same number for all attempts: an answer to the first is as good as one to the last.
  const std::uint8_t sequence = take_number();
  uses_[sequence] = {command, 0, false, clock_->now()};
  for (unsigned made = 0; made < std::max(patience.attempts, 1U); ++made) {
    const SteadyTime now = clock_->now();
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
    if (now >= patience.deadline) break;
    auto body = co_await attempt(command, packet, sequence, patience);
    if (body) co_return judge({sequence, std::move(*body)});
    if (body.error().code != Errc::timed_out) co_return body.error();
    link_->resynchronize();
  }
  co_return Error{Errc::timed_out, "the child does not answer"};
}

asio::awaitable<Result<Answer>> Session::ask_in_either(Command command, std::span<std::uint8_t> packet,
                                                       Patience patience) {
  const bool is_first = !has_answered_;
  auto answer = co_await ask_in_version(command, packet, patience);
  const bool is_refused = answer && refuses_version(answer->refusal);
  // Silence may be an old server that drops version 2; only a mere question is worth asking again for that.
  const bool is_mute = is_silence(answer) && is_harmless(command) && is_first && version_ == 1;
  if (!is_refused && !is_mute) co_return answer;
  version_ ^= 1U;
  auto second = co_await ask_in_version(command, packet, patience);
  owes_version_2_ = is_mute && second;
  if (second || has_answered_) co_return second;
  version_ = 1;  // nothing answers at all: begin anew next time
  co_return answer;
}

asio::awaitable<Result<Answer>> Session::try_version_2(Command command, std::span<std::uint8_t> packet,
                                                       Patience patience) {
  Patience once = patience;
  once.attempts = 1;
  version_ = 1;
  auto answer = co_await ask_in_version(command, packet, once);
  const bool is_answered = answer && !refuses_version(answer->refusal);
  const bool is_over = !answer && !is_silence(answer);
  owes_version_2_ = is_over;
  if (is_answered) co_return answer;
  version_ = 0;
  if (is_over) co_return answer;
  co_return co_await ask_in_version(command, packet, patience);
}

asio::awaitable<Result<Answer>> Session::ask_in_some(Command command, std::span<std::uint8_t> packet,
                                                     Patience patience) {
  if (speaks_ != Speaks::either) co_return co_await ask_in_version(command, packet, patience);
  if (owes_version_2_ && is_harmless(command)) co_return co_await try_version_2(command, packet, patience);
  co_return co_await ask_in_either(command, packet, patience);
}

asio::awaitable<Result<Bytes>> Session::ask(Command command, std::span<std::uint8_t> packet, Patience patience) {
  notice_opening();
  auto answer = co_await ask_in_some(command, packet, patience);
  if (is_same(command, kReset)) {
    begin_anew();  // also when it was refused: that costs a few questions
  } else if (is_silence(answer) && command.op == Op::read) {
    doubt();
  }
  if (!answer) co_return answer.error();
  co_return std::move(answer->body);
}

// -------------------------------------------------------------------------------------------- several on their way

asio::awaitable<Result<std::uint8_t>> Session::send(Command command, std::span<std::uint8_t> packet,
                                                    SteadyTime deadline) {
  notice_opening();
  const std::uint8_t sequence = take_number();
  uses_[sequence] = {command, 0, true, clock_->now()};
  if (auto written = co_await put(command, packet, sequence, deadline); !written) co_return written.error();
  co_return sequence;
}

asio::awaitable<Result<Answer>> Session::next(SteadyTime deadline) {
  for (;;) {
    auto received = co_await receive(deadline);
    if (!received) co_return received.error();
    if (uses_[received->sequence].is_sent) co_return judge(std::move(*received));
  }
}

}  // namespace hg::smp
