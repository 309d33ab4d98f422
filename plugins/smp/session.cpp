// SPDX-License-Identifier: Apache-2.0
#include "smp/session.hpp"

#include <algorithm>
#include <utility>

#include "smp/refusal.hpp"

namespace hg::smp {
namespace asio = boost::asio;

void Session::notice_opening() {
  const std::uint64_t number = link_->opening().number;
  if (number == opening_) return;
  opening_ = number;
  version_ = 1;
  has_answered_ = false;
}

asio::awaitable<Result<Bytes>> Session::attempt(Command command, std::span<std::uint8_t> packet, std::uint8_t sequence,
                                                SteadyTime deadline) {
  put_header(packet, command, version_, sequence);
  if (auto written = co_await link_->write(packet, deadline); !written) co_return written.error();
  for (;;) {
    auto received = co_await link_->read(deadline);
    if (!received) co_return received.error();
    const auto header = header_of(*received);
    if (!header || !answers(*header, command, sequence)) continue;  // late, doubled, or not for us
    received->erase(received->begin(), received->begin() + kHeaderSize);
    co_return std::move(*received);
  }
}

asio::awaitable<Result<Bytes>> Session::ask_in_version(Command command, std::span<std::uint8_t> packet,
                                                       Patience patience) {
  // The same number for all attempts: an answer to the first is as good as one to the last.
  const std::uint8_t sequence = sequence_++;
  for (unsigned made = 0; made < std::max(patience.attempts, 1U); ++made) {
    const SteadyTime now = clock_->now();
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
    if (now >= patience.deadline) break;
    const SteadyTime deadline = std::min(patience.deadline, now + patience.answer);
    auto answer = co_await attempt(command, packet, sequence, deadline);
    if (!answer && answer.error().code == Errc::timed_out) {
      link_->resynchronize();
      continue;
    }
    if (!answer) co_return answer.error();
    has_answered_ = true;
    const auto refusal = refusal_in(*answer);
    if (!refusal) co_return refusal.error().within("answer of the child");
    if (!*refusal) co_return std::move(*answer);
    const bool is_version =
        !(*refusal)->group && ((*refusal)->code == kVersionTooOld || (*refusal)->code == kVersionTooNew);
    version_refusal_ = is_version ? (*refusal)->code : 0;
    co_return error_from(**refusal);
  }
  co_return Error{Errc::timed_out, "the child does not answer"};
}

asio::awaitable<Result<Bytes>> Session::ask(Command command, std::span<std::uint8_t> packet, Patience patience) {
  notice_opening();
  version_refusal_ = 0;
  auto answer = co_await ask_in_version(command, packet, patience);
  const bool is_refused = !answer && version_refusal_ != 0;
  // Silence may be an old server that drops version 2; only a mere question is worth asking again for that.
  const bool is_question = command.op == Op::read || (command.group == kOsGroup && command.id == kEcho.id);
  const bool is_mute =
      !answer && answer.error().code == Errc::timed_out && is_question && !has_answered_ && version_ == 1;
  if (!is_refused && !is_mute) co_return answer;
  version_ = version_ == 1 ? 0 : 1;
  auto second = co_await ask_in_version(command, packet, patience);
  if (second || has_answered_) co_return second;
  version_ = 1;  // nothing answers at all: begin anew next time
  co_return answer;
}

}  // namespace hg::smp
