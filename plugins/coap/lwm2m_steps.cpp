// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_steps.hpp"

#include <algorithm>
#include <utility>

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kAskAgain = 60s;  // a child that says no longer how long

/// Object 5: 0 critical, 1 mandatory, 2 optional.
std::int64_t severity_of(wire::Urgency urgency) {
  switch (urgency) {
    case wire::Urgency::emergency:
      return 0;
    case wire::Urgency::major:
      return 1;
    case wire::Urgency::minor:
      return 2;
  }
  return 1;
}

Error closed() {
  return Error{Errc::cancelled, "the child is served with other values now"};
}

}  // namespace

Lwm2mSteps::Lwm2mSteps(const std::shared_ptr<Surroundings>& around, std::shared_ptr<Contact> contact,
                       std::shared_ptr<BroughtImages> brought, const std::string& endpoint, const Profile& profile)
    : inspection_(std::move(contact), std::move(brought), endpoint, profile),
      delivery_(around, inspection_),
      activation_(inspection_) {}

void Lwm2mSteps::close() {
  is_closed_ = true;
}

asio::awaitable<Result<wire::Seen>> Lwm2mSteps::inspect(plugin::Job job) {
  if (is_closed_) co_return closed();
  const auto sight = co_await inspection_.settled(job.deadline);
  if (!sight) co_return sight.error();
  co_return inspection_.seen(*sight);
}

/// A child of 1.0 does not have it, and one of 1.1 need not.
asio::awaitable<Result<void>> Lwm2mSteps::set(Part part, std::uint16_t resource, std::int64_t value,
                                              SteadyTime deadline) {
  ResourcePath path = part.instance;
  path.resource = resource;
  const auto written = co_await inspection_.access().write(path, Value(value), deadline);
  if (!written && (written.error().is_transient() || written.error().code == Errc::cancelled)) {
    co_return written.error();
  }
  co_return Result<void>{};
}

asio::awaitable<Result<plugin::Willingness>> Lwm2mSteps::offer(plugin::Job job, wire::Offer request) {
  if (is_closed_) co_return closed();
  const auto sight = co_await inspection_.look(job.deadline);
  if (!sight) co_return sight.error();
  const Part* const part = sight->part(request.image_number);
  if (part == nullptr) {
    co_return plugin::Willingness{wire::Willing::no, {}, "it has no image " + std::to_string(request.image_number)};
  }
  const wire::Seen seen = inspection_.seen(*sight);
  if (part->firmware.state == FirmwareState::updating || seen.busy) {
    const Milliseconds wait{static_cast<std::int64_t>(seen.busy_ms)};
    const std::string text = part->firmware.state == FirmwareState::updating ? "it is installing" : seen.bootloader;
    co_return plugin::Willingness{wire::Willing::later, std::max(wait, kAskAgain), text};
  }
  const auto& registration = inspection_.access().contact().registration();
  const std::uint16_t object = part->instance.object;
  const auto version = registration ? registration->objects.version_of(object) : std::nullopt;
  const bool is_advanced = object == kAdvancedFirmwareObject;
  if (is_advanced || version.value_or(ObjectVersion{}) >= ObjectVersion{1, 1}) {
    const auto severity = co_await set(*part, firmware::kSeverity, severity_of(request.urgency), job.deadline);
    if (!severity) co_return severity.error();
    const std::int64_t defer = inspection_.profile().defer_s;
    const auto deferring = co_await set(*part, firmware::kMaximumDefer, defer, job.deadline);
    if (!deferring) co_return deferring.error();
  }
  co_return plugin::Willingness{};
}

asio::awaitable<Result<plugin::Outcome>> Lwm2mSteps::deliver(plugin::Job job, wire::Deliver request,
                                                             plugin::ImageView image) {
  if (is_closed_) co_return closed();
  auto outcome = co_await delivery_.deliver(std::move(job), std::move(request), std::move(image));
  co_return outcome;
}

asio::awaitable<Result<plugin::Outcome>> Lwm2mSteps::activate(plugin::Job job, wire::Activate request) {
  if (is_closed_) co_return closed();
  auto outcome = co_await activation_.activate(std::move(job), std::move(request.moves));
  co_return outcome;
}

/// A child of LwM2M knows no confirming: what runs, runs for good.
asio::awaitable<Result<plugin::Outcome>> Lwm2mSteps::confirm(plugin::Job job, wire::Confirm request) {
  if (is_closed_) co_return closed();
  const auto sight = co_await inspection_.settled(job.deadline);
  if (!sight) co_return sight.error();
  const auto is_so = [&](const wire::Guard& guard) { return holds(*sight, guard.image, guard.active); };
  co_return plugin::Outcome{std::ranges::all_of(request.guards, is_so), inspection_.seen(*sight)};
}

/// Throws away what the child holds, also what it was told to install and puts off.
asio::awaitable<Result<void>> Lwm2mSteps::take_back(Part part, SteadyTime deadline) {
  ResourcePath path = part.instance;
  path.resource = firmware::kCancel;
  const auto cancelled = co_await inspection_.access().execute(path, {}, deadline);
  if (!cancelled && cancelled.error().code == Errc::cancelled) co_return cancelled.error();
  // 1.0 has no Cancel: then an empty URI does it, and else it finds State 0 already.
  const auto withdrawn = co_await inspection_.withdraw(part.instance, deadline);
  co_return withdrawn;
}

asio::awaitable<Result<plugin::Outcome>> Lwm2mSteps::revert(plugin::Job job, wire::Revert request) {
  if (is_closed_) co_return closed();
  auto sight = co_await inspection_.settled(job.deadline);
  if (!sight) co_return sight.error();
  std::vector<wire::Move> changing;
  for (const wire::Move& move : request.moves) {
    if (!holds(*sight, move.image, move.active)) co_return plugin::Outcome{false, inspection_.seen(*sight)};
    if (move.goal != move.active) {
      changing.push_back(move);
      continue;
    }
    const Part* const part = sight->part(move.image);
    if (part->firmware.state != FirmwareState::downloaded) continue;
    const auto taken = co_await take_back(*part, job.deadline);
    if (!taken) co_return taken.error();
  }
  if (changing.empty()) {
    const auto after = co_await inspection_.settled(job.deadline);
    if (!after) co_return after.error();
    co_return plugin::Outcome{true, inspection_.seen(*after)};
  }
  const auto is_staged = [&](const wire::Move& move) { return sight->part(move.image)->standby == move.goal; };
  if (!std::ranges::all_of(changing, is_staged)) {
    co_return Error{Errc::unsupported, inspection_.profile().takes_older
                                           ? "the child does not hold its old image: it must be brought again first"
                                           : "a child of LwM2M does not go back to the image before"};
  }
  auto outcome = co_await activation_.activate(std::move(job), std::move(changing));
  co_return outcome;
}

}  // namespace hg::coap
