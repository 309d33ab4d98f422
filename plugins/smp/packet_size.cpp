// SPDX-License-Identifier: Apache-2.0
#include "smp/packet_size.hpp"

#include <algorithm>
#include <array>

#include "smp/groups.hpp"

namespace hg::smp {
namespace asio = boost::asio;
namespace {

/// What n lines of the console framing carry (93 n - 4): a packet that uses its last line up. The smallest takes the
/// first upload request with its digest and an MCUboot header.
constexpr std::array<std::size_t, 6> kSteps = {128, 182, 368, 740, 1484, 2972};
constexpr std::size_t kSmallest = kSteps.front();
constexpr std::size_t kAroundPacket = 4;    // length and CRC, which share the child's buffer
constexpr std::size_t kWhenUnknown = 1020;  // the largest that is tried when the child does not tell its buffer
constexpr std::size_t kLargest = 8 * 1024;
constexpr unsigned kMustPass = 2;
constexpr unsigned kTries = 3;

}  // namespace

asio::awaitable<Result<bool>> PacketSize::passes(Session& session, std::size_t size, Patience patience) {
  unsigned passed = 0;
  patience.attempts = 1;
  for (unsigned tried = 0; tried < kTries && passed < kMustPass; ++tried) {
    if (tried - passed > kTries - kMustPass) break;
    Bytes packet = echo_request(size);
    const auto answer = co_await session.ask(kEcho, packet, patience);
    if (answer) {
      ++passed;
    } else if (answer.error().code != Errc::timed_out) {
      co_return answer.error();
    }
  }
  co_return passed >= kMustPass;
}

asio::awaitable<Result<void>> PacketSize::find(Session& session, Patience patience) {
  const std::uint64_t opening = session.link().opening().number;
  if (opening == opening_ && current_ != 0) co_return Result<void>{};
  opening_ = opening;
  current_ = configured_;
  if (configured_ != 0) co_return Result<void>{};

  std::size_t most = kWhenUnknown;
  Bytes question = empty_request();
  const auto answer = co_await session.ask(kParams, question, patience);
  if (answer) {
    const auto params = params_in(*answer);
    if (params && params->buffer_size > kSmallest) most = params->buffer_size - kAroundPacket;
  } else if (answer.error().code == Errc::unavailable || answer.error().code == Errc::cancelled) {
    co_return answer.error();
  }
  most = std::clamp(most, kSmallest, kLargest);

  current_ = kSmallest;
  while (current_ < most) {
    const auto* const next = std::ranges::upper_bound(kSteps, current_);
    const std::size_t size = next == kSteps.end() ? most : std::min(*next, most);
    const auto passed = co_await passes(session, size, patience);
    if (!passed) {
      const bool is_lost = passed.error().code == Errc::unavailable || passed.error().code == Errc::cancelled;
      if (is_lost) {
        current_ = 0;
        co_return passed.error();
      }
      break;  // the child has no echo: stay small, which always works
    }
    if (!*passed) break;
    current_ = size;
  }
  co_return Result<void>{};
}

bool PacketSize::step_down() {
  if (current_ <= kSmallest) return false;
  const auto* const at = std::ranges::lower_bound(kSteps, current_);
  current_ = at == kSteps.begin() ? kSmallest : *(at - 1);
  return true;
}

}  // namespace hg::smp
