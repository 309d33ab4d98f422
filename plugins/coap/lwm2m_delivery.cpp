// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_delivery.hpp"

#include <utility>

namespace hg::coap {
namespace asio = boost::asio;
namespace {

constexpr auto kForEver = std::chrono::hours{24 * 7};  // the lane ends what does not move

Error no_such_image(std::uint8_t image) {
  return Error{Errc::not_found, "the child has no image " + std::to_string(image)};
}

}  // namespace

bool Delivery::may_pull(const Part& part) const {
  if (in_->profile().way != Way::automatic) return in_->profile().way == Way::pull;
  if (part.firmware.delivery == DeliveryMethod::push) return false;
  const auto& registration = in_->access().contact().registration();
  const bool is_secured = registration && registration->is_secured;
  if (is_secured && !part.firmware.names_protocols) return true;  // it has a DTLS session, and may say Result 9
  return part.firmware.pulls_by(is_secured ? PullProtocol::coaps : PullProtocol::coap) || !part.firmware.takes_push();
}

bool Delivery::may_push(const Part& part) const {
  if (in_->profile().way != Way::automatic) return in_->profile().way == Way::push;
  return part.firmware.takes_push();
}

asio::awaitable<Result<Part>> Delivery::cleared(Part part) {
  const bool is_clear = part.firmware.state == FirmwareState::idle && !is_failed(part.firmware.result);
  if (is_clear) co_return part;
  const SteadyTime deadline = in_->clock().now() + kForEver;
  const auto withdrawn = co_await in_->withdraw(part.instance, deadline);
  if (!withdrawn) co_return withdrawn.error().within("clear away what the child holds");
  const auto standing = co_await in_->access().standing(part.instance, deadline);
  if (!standing) co_return standing.error();
  part.firmware.state = standing->state;
  part.firmware.result = standing->result;
  co_return part;
}

asio::awaitable<Result<void>> Delivery::bring(plugin::Job job, wire::Deliver request, plugin::ImageView image,
                                              Part part, bool at_once) {
  const Brought brought = in_->brought().of(part.image);
  const bool goes_on = part.firmware.state == FirmwareState::downloading && brought.stage == Stage::pulled &&
                       brought.view == request.image && brought.after == request.after && !pull_.is_dead();
  if (!goes_on) {
    auto clear = co_await cleared(std::move(part));
    if (!clear) co_return clear.error();
    part = std::move(*clear);
  }
  std::string why = "the child takes no image that is pushed, and is not to pull";
  if (may_pull(part) || goes_on) {
    const auto fetched = co_await pull_.fetch(job, request, image, part, at_once, goes_on);
    if (!fetched) co_return fetched.error().within("pull");
    if (fetched->is_done) co_return Result<void>{};
    why = fetched->text;
    if (may_push(part)) {
      around_->log(job.child + ": " + why + "; the image is pushed");
      auto clear = co_await cleared(std::move(part));
      if (!clear) co_return clear.error();
      part = std::move(*clear);
    }
  }
  if (!may_push(part)) co_return Error{Errc::unsupported, why};
  const auto pushed = co_await push_.bring(std::move(job), std::move(request), std::move(image), part, at_once);
  co_return pushed;
}

asio::awaitable<Result<plugin::Outcome>> Delivery::deliver(plugin::Job job, wire::Deliver request,
                                                           plugin::ImageView image) {
  if (request.after.empty()) co_return Error{Errc::invalid, "without what the child is told by when it runs"};
  if (!request.record.empty()) {
    co_return Error{Errc::unsupported, "a child of LwM2M takes no delivery record"};
  }
  const auto sight = co_await in_->settled(job.deadline);  // nothing has moved yet
  if (!sight) co_return sight.error();
  const Part* const part = sight->part(request.image_number);
  if (part == nullptr) co_return no_such_image(request.image_number);
  if (request.staging != wire::Staging::aside) co_return plugin::Outcome{false, in_->seen(*sight)};
  if (part->active == request.after) co_return plugin::Outcome{};
  const Brought before = in_->brought().of(part->image);
  if (part->standby == request.after && before.view == request.image) co_return plugin::Outcome{};
  const auto brought = co_await bring(std::move(job), request, std::move(image), *part, sight->installs_at_once);
  if (!brought) co_return brought.error();
  Brought now = in_->brought().of(request.image_number);
  now.stage = Stage::staged;
  if (sight->installs_at_once) {  // it has told Result 1 for it
    now.stage = Stage::none;
    now.installed = now.after;
  }
  in_->brought().set(now);
  co_return plugin::Outcome{};
}

}  // namespace hg::coap
