// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_activation.hpp"

#include <algorithm>

#include "coap/lwm2m_pull.hpp"
#include "coap/lwm2m_watch.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr unsigned kOrders = 2;         // in all, and the second only when the first has shown to be lost
constexpr Milliseconds kBegins = 5s;    // from the end of an Execute to State 3 or a word on it
constexpr Milliseconds kSpare = 500ms;  // before the deadline

}  // namespace

bool holds(const Sight& sight, std::uint8_t image, const Digest& active) {
  const Part* const part = sight.part(image);
  return part != nullptr && part->active == active && !active.empty();
}

/// One Execute. Whether it was answered does not matter to who looks at what follows; a refusal is an error.
asio::awaitable<Result<void>> Activation::order(Part first, std::string arguments, SteadyTime deadline) {
  ResourcePath path = first.instance;
  path.resource = firmware::kUpdate;
  for (unsigned sent = 1;; ++sent) {
    const auto reached = co_await in_->access().contact().peer(deadline);
    if (!reached) co_return reached.error();
    in_->expect_execution(first.image);  // it may be long since the order: a child sleeps
    const auto executed = co_await in_->access().execute(path, arguments, deadline);
    if (executed) co_return Result<void>{};
    if (!executed.error().is_transient()) {
      if (executed.error().code == Errc::cancelled) co_return executed.error();
      Brought brought = in_->brought().of(first.image);
      brought.stage = Stage::staged;  // it has said no: nothing is under way
      in_->brought().set(brought);
      co_return executed.error();
    }
    // It may have come: what the child shows later than it would have begun decides.
    const SteadyTime shows = std::min(deadline, in_->clock().now() + kBegins);
    while (in_->clock().now() < shows) {
      const auto waited = co_await in_->access().contact().wait_until(shows);
      if (!waited) co_return waited.error();
    }
    const auto standing = co_await in_->access().standing(first.instance, deadline);
    if (!standing) co_return standing.error();
    const bool is_unmoved = standing->state == FirmwareState::downloaded && standing->result == UpdateResult::initial;
    if (!is_unmoved) co_return Result<void>{};
    if (sent == kOrders) co_return executed.error();
  }
}

asio::awaitable<Result<void>> Activation::execute(std::vector<Part> parts, SteadyTime deadline) {
  for (const Part& part : parts) in_->expect_execution(part.image);
  const bool is_advanced = parts.front().instance.object == kAdvancedFirmwareObject;
  if (is_advanced) {
    std::vector<std::uint16_t> instances;
    for (const Part& part : parts) instances.push_back(*part.instance.instance);
    const std::string arguments = execute_arguments(parts.size() == 1 ? std::vector<std::uint16_t>() : instances);
    const auto ordered = co_await order(parts.front(), arguments, deadline);
    if (!ordered) {
      for (const Part& part : parts) {  // all or none
        Brought brought = in_->brought().of(part.image);
        if (in_->brought().of(parts.front().image).stage == Stage::staged) brought.stage = Stage::staged;
        in_->brought().set(brought);
      }
    }
    co_return ordered;
  }
  for (const Part& part : parts) {
    const auto ordered = co_await order(part, {}, deadline);
    if (!ordered) co_return ordered;
  }
  co_return Result<void>{};
}

/// Until the child tells what came of it. Errc::busy when it puts it off beyond the deadline.
asio::awaitable<Result<void>> Activation::ended(Part part, SteadyTime deadline) {
  Watch watch(in_->access(), part.instance, in_->profile().poll);
  watch.hurry();
  const SteadyTime ordered = in_->clock().now();
  const unsigned registrations = in_->access().contact().times_registered();
  const SteadyTime end = deadline - kSpare;
  Standing last{FirmwareState::updating, UpdateResult::initial};
  bool has_begun = false;
  while (in_->clock().now() < end) {
    const auto standing = co_await watch.next(end);
    if (!standing) co_return standing.error();
    if (!*standing) continue;
    last = **standing;
    if (last.state == FirmwareState::updating) {
      has_begun = true;
      continue;
    }
    if (last.state == FirmwareState::idle && last.result == UpdateResult::success) co_return Result<void>{};
    if (is_failed(last.result)) {
      auto cause = co_await in_->failure(part.instance, last.result);
      co_return cause;
    }
    if (last.state == FirmwareState::idle) {
      co_return Error{Errc::mismatch, "the child does not tell what came of the installation: " + text_of(last)};
    }
    if (last.result == UpdateResult::deferred) continue;
    const bool is_back = has_begun || in_->access().contact().times_registered() != registrations;
    if (last.state == FirmwareState::downloaded && (is_back || in_->clock().now() >= ordered + 2 * kBegins)) {
      co_return Error{Errc::mismatch, "the child was told to install, and still is in " + text_of(last)};
    }
    watch.hurry();
  }
  if (last.result == UpdateResult::deferred) {
    co_return Error{Errc::busy, "the child puts the installation off (Result 11)"};
  }
  co_return Error{Errc::timed_out, "the child has not come back from installing: " + text_of(last)};
}

asio::awaitable<Result<plugin::Outcome>> Activation::activate(plugin::Job job, std::vector<wire::Move> moves) {
  const auto sight = co_await in_->settled(job.deadline);
  if (!sight) co_return sight.error();
  const plugin::Outcome unmoved{false, in_->seen(*sight)};
  std::vector<Part> parts;
  bool was_ordered = true;
  for (const wire::Move& move : moves) {
    if (!holds(*sight, move.image, move.active)) co_return unmoved;
    if (move.goal == move.active) continue;
    const Part* const part = sight->part(move.image);
    if (part->standby != move.goal) co_return unmoved;  // a restart of the child drops it
    was_ordered = was_ordered && part->is_deferred;
    parts.push_back(*part);
  }
  if (parts.empty()) co_return plugin::Outcome{true, unmoved.seen};
  if (sight->installs_at_once) co_return Error{Errc::unsupported, "the child installs by itself"};
  if (!was_ordered) {
    const auto executed = co_await execute(parts, job.deadline - kSpare);
    if (!executed) co_return executed.error();
  }
  for (const Part& part : parts) {
    const auto end = co_await ended(part, job.deadline);
    if (!end) co_return end.error();
  }
  const auto after = co_await in_->settled(job.deadline);
  if (!after) co_return after.error();
  co_return plugin::Outcome{true, in_->seen(*after)};
}

}  // namespace hg::coap
