// SPDX-License-Identifier: Apache-2.0
#include "smp/pace.hpp"

#include <algorithm>
#include <array>

#include "smp/os_group.hpp"

namespace hg::smp {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLeast = 96;        // the first request of an upload, with its digest and 32 bytes of image
constexpr std::size_t kAroundPacket = 4;  // length and CRC, which share the child's buffer
constexpr std::size_t kAroundRecoveryPacket = 8;  // MCUboot takes 1019 of 1024
constexpr std::size_t kWhenUnknown = 1020;        // the largest that is tried when the child does not tell its buffer
constexpr unsigned kMustPass = 2;
constexpr std::array<Milliseconds, 2> kGaps = {2ms, 5ms};
constexpr double kGapPays = 1.1;

bool is_fatal(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::cancelled;
}

double rate(std::size_t size, RoundTrip::Duration time) {
  return static_cast<double>(size) / std::max(std::chrono::duration<double>(time).count(), 1e-9);
}

}  // namespace

Pace::Pace(const Profile& profile, const Learned& learned)
    : profile_(profile), learned_(learned), round_trip_(profile.chunk) {}

Learned Pace::learned() const {
  if (is_recovery_) return learned_;
  return {profile_.packet != 0 ? 0 : size_.current(), profile_.window != 0 ? 0 : window_.proven(), line_gap_};
}

void Pace::passed(std::size_t size, std::size_t bytes, SteadyTime now) {
  size_.passed(size);
  window_.passed(bytes, now);
}

void Pace::lost(std::size_t size) {
  // Several at once are the first to be blamed, unless it was the one packet that was larger than the others.
  if (window_.current() == 1 || size > size_.current()) {
    size_.lost(size);
  } else {
    window_.lost();
  }
}

bool Pace::refused() {
  const bool was_several = window_.current() > 1;
  window_.refused();
  return was_several;
}

// --------------------------------------------------------------------------------------------------------- finding

asio::awaitable<Result<void>> Pace::find(Session& session, Clock& clock, bool is_recovery) {
  const bool is_known = session.start() == start_ && is_recovery == is_recovery_ && size_.current() != 0;
  if (is_known) co_return Result<void>{};
  if (!is_recovery_ && size_.current() != 0) learned_ = learned();
  round_trip_ = RoundTrip(profile_.chunk);
  auto found = co_await ask_limits(session, clock, is_recovery);
  if (!found) co_return found;
  if (profile_.packet != 0) {
    size_.begin(session.link().limits().steps, profile_.packet, profile_.packet, PacketSize::kCare);
  } else {
    found = co_await find_size(session, clock);
    if (!found) co_return found;
  }
  start_ = session.start();  // questions about the pace may have been silent themselves
  is_recovery_ = is_recovery;
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Pace::ask_limits(Session& session, Clock& clock, bool is_recovery) {
  const Link::Limits& limits = session.link().limits();
  Params params;
  Bytes question = empty_request();
  const Patience patience{.answer = profile_.chunk, .attempts = 2, .deadline = SteadyTime::max()};
  const SteadyTime asked = clock.now();
  const auto answer = co_await session.ask(kParams, question, patience);
  if (!answer && is_fatal(answer.error())) co_return answer.error();
  // Old children are silent or refuse; that is an answer too.
  if (answer) {
    if (const auto told = params_in(*answer)) params = *told;
  }
  const auto took = clock.now() - asked;
  if (took < profile_.chunk) round_trip_.took(took, question.size());
  const std::size_t around = is_recovery ? kAroundRecoveryPacket : kAroundPacket;
  const std::size_t room = params.buffer_size > kLeast + around ? params.buffer_size - around : kWhenUnknown;
  most_ = std::clamp(room, kLeast, std::max(limits.largest_packet, kLeast));
  const auto spare = static_cast<unsigned>(std::clamp<std::size_t>(params.buffer_count, 2, 255) - 1);
  if (is_recovery) {
    window_.pin(1);
  } else if (profile_.window != 0) {
    window_.pin(profile_.window);
  } else {
    window_.begin(std::max(limits.first_window, learned_.window), spare);
  }
  co_return Result<void>{};
}

asio::awaitable<Result<Pace::Echoed>> Pace::echo(Session& session, Clock& clock, std::size_t size) {
  Echoed echoed;
  for (unsigned lost = 0; echoed.passed < kMustPass && lost < kMustPass;) {
    Bytes packet = echo_request(size);
    const SteadyTime asked = clock.now();
    // It comes back as long as it went.
    const auto answer_time = std::chrono::ceil<Milliseconds>(round_trip_.timeout(2 * size));
    const auto answer = co_await session.ask(kEcho, packet, {.answer = answer_time});
    if (answer) {
      ++echoed.passed;
      echoed.time = clock.now() - asked;
      round_trip_.took(echoed.time, size);
      continue;
    }
    if (is_fatal(answer.error())) co_return answer.error();
    ++lost;
    echoed.is_unsupported = answer.error().code != Errc::timed_out;
    if (echoed.is_unsupported) break;
  }
  co_return echoed;
}

asio::awaitable<Result<void>> Pace::find_size(Session& session, Clock& clock) {
  const Link::Limits& limits = session.link().limits();
  const std::size_t first = limits.steps.empty() ? most_ : std::min(limits.steps.front(), most_);
  size_.begin(limits.steps, most_, first, PacketSize::kCare);
  line_gap_ = 0ms;
  session.link().set_line_gap(line_gap_);
  Echoed echoed;
  if (learned_.packet > first && learned_.packet <= most_) {
    session.link().set_line_gap(learned_.line_gap);
    const auto same = co_await echo(session, clock, learned_.packet);
    if (!same) co_return same.error();
    if (same->passed == kMustPass) {
      line_gap_ = learned_.line_gap;
      size_.begin(limits.steps, most_, learned_.packet, PacketSize::kCare);
      co_return Result<void>{};
    }
    session.link().set_line_gap(line_gap_);
  }
  while (size_.larger() > size_.current()) {
    const std::size_t size = size_.larger();
    const auto next = co_await echo(session, clock, size);
    if (!next) co_return next.error();
    if (next->is_unsupported) {
      // Without echo the upload's own packets have to find out.
      size_.begin(limits.steps, most_, size_.current(), PacketSize::kSoon);
      co_return Result<void>{};
    }
    if (next->passed < kMustPass) {
      if (next->passed == 0 && limits.has_lines && profile_.line_gap == 0ms) {
        auto tried = co_await find_gap(session, clock, echoed);
        co_return tried;
      }
      co_return Result<void>{};
    }
    echoed = *next;
    size_.begin(limits.steps, most_, size, PacketSize::kCare);
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Pace::find_gap(Session& session, Clock& clock, Echoed without) {
  if (without.passed == 0) {
    auto least = co_await echo(session, clock, size_.current());
    if (!least) co_return least.error();
    without = *least;
  }
  for (const Milliseconds gap : kGaps) {
    session.link().set_line_gap(gap);
    const auto with = co_await echo(session, clock, most_);
    if (!with) co_return with.error();
    if (with->passed == kMustPass && rate(most_, with->time) > kGapPays * rate(size_.current(), without.time)) {
      line_gap_ = gap;
      size_.begin(session.link().limits().steps, most_, most_, PacketSize::kCare);
      co_return Result<void>{};
    }
    if (with->passed == kMustPass) break;  // a longer one is slower still
  }
  session.link().set_line_gap(0ms);
  co_return Result<void>{};
}

}  // namespace hg::smp
