// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_access.hpp"

#include <array>
#include <utility>

namespace hg::coap {
namespace asio = boost::asio;
namespace {

Errc errc_of(Code code) {
  switch (code) {
    case Code::not_found:
      return Errc::not_found;
    case Code::not_allowed:
    case Code::not_acceptable:
    case Code::unsupported_format:
    case Code::not_implemented:
    case Code::bad_option:
      return Errc::unsupported;
    case Code::unauthorized:
    case Code::forbidden:
      return Errc::denied;
    case Code::too_many:
    case Code::unavailable:
      return Errc::busy;
    case Code::too_large:
      return Errc::too_large;
    default:
      return Errc::mismatch;
  }
}

ResourcePath resource_of(const ResourcePath& instance, std::uint16_t resource) {
  return {instance.object, instance.instance, resource, std::nullopt};
}

/// Only what is a child's word on the format, so that another one is worth a try.
bool is_about_format(Code code) {
  return code == Code::not_acceptable || code == Code::unsupported_format || code == Code::not_allowed ||
         code == Code::bad_option || code == Code::bad_request || code == Code::not_implemented;
}

}  // namespace

std::string text_of(const Standing& standing) {
  return "State " + std::to_string(static_cast<unsigned>(standing.state)) + " (" +
         std::string(text_of(standing.state)) + "), Result " + std::to_string(static_cast<unsigned>(standing.result));
}

Error error_of(const Answer& answer, std::string_view doing) {
  return Error{errc_of(answer.code), "the child answers " + text_of(answer.code)}.within(doing);
}

std::string Access::root() const {
  const auto& registration = contact_->registration();
  return registration ? registration->objects.root : std::string();
}

asio::awaitable<Result<Answer>> Access::get(ResourcePath path, Format accept, SteadyTime deadline) {
  Request request;
  request.path = contact_->path(text_of(path));
  request.accept = accept;
  auto answer = co_await contact_->ask(std::move(request), deadline);
  if (!answer) co_return answer.error().within("read /" + text_of(path));
  co_return answer;
}

/// In a format that it has not given yet. There are children that say nothing to one that they do not know
/// (node-coap 0.22): there must be time left to ask for another.
asio::awaitable<Result<Answer>> Access::first_get(ResourcePath path, Format accept, SteadyTime deadline) {
  const auto reached = co_await contact_->peer(deadline);
  if (!reached) co_return reached.error();
  Request request;
  request.path = contact_->path(text_of(path));
  request.accept = accept;
  const SteadyTime now = contact_->clock().now();
  auto answer = co_await contact_->ask_once(std::move(request), now + (deadline - now) / 2);
  if (answer || answer.error().code == Errc::timed_out) co_return answer;
  auto again = co_await get(path, accept, deadline);
  co_return again;
}

asio::awaitable<Result<Resources>> Access::read(ResourcePath instance, std::vector<std::uint16_t> wanted,
                                                SteadyTime deadline) {
  if (std::exchange(since_registration_, contact_->times_registered()) != contact_->times_registered()) {
    whole_.reset();  // it may run something else now
    only_singly_ = false;
  }
  const std::array<Format, 2> formats{whole_.value_or(Format::tlv),
                                      whole_ == Format::senml_cbor ? Format::tlv : Format::senml_cbor};
  bool is_silent = false;
  for (std::size_t at = 0; !only_singly_ && at < formats.size(); ++at) {
    auto asking = whole_ ? get(instance, formats[at], deadline) : first_get(instance, formats[at], deadline);
    const auto answer = co_await std::move(asking);
    is_silent = !answer && answer.error().code == Errc::timed_out && !whole_;
    if (is_silent) break;
    if (!answer) co_return answer.error();
    if (answer->code == Code::not_found) co_return error_of(*answer, "read /" + text_of(instance));
    if (is_success(answer->code)) {
      auto resources = resources_from(answer->format ? answer->format : formats[at], answer->body, instance, root());
      if (resources) {
        whole_ = formats[at];
        co_return resources;
      }
    } else if (!is_about_format(answer->code)) {
      co_return error_of(*answer, "read /" + text_of(instance));
    }
  }
  only_singly_ = true;
  std::vector<Resource> all;
  for (const std::uint16_t resource : wanted) {
    const ResourcePath path = resource_of(instance, resource);
    auto value = co_await read_one(path, deadline);
    if (!value) {
      if (is_silent) only_singly_ = false;  // it was not the format
      co_return value.error();
    }
    is_silent = false;
    if (*value) all.push_back({path, std::move(**value)});
  }
  if (all.empty()) co_return Error{Errc::not_found, "the child says nothing of /" + text_of(instance)};
  co_return Resources(std::move(all));
}

asio::awaitable<Result<std::optional<Value>>> Access::read_one(ResourcePath resource, SteadyTime deadline) {
  constexpr std::array<Format, 3> kFormats{Format::text, Format::tlv, Format::senml_cbor};
  for (const Format format : kFormats) {
    const auto answer = co_await get(resource, format, deadline);
    if (!answer) co_return answer.error();
    if (answer->code == Code::not_acceptable || answer->code == Code::unsupported_format) continue;
    if (!is_success(answer->code)) co_return std::optional<Value>();
    const auto said = resources_from(answer->format ? answer->format : format, answer->body, resource, root());
    if (!said) co_return said.error().within("read /" + text_of(resource));
    // A resource of several comes as its members: none of those that are read singly is one.
    const Value* const value = said->of(resource.object, *resource.instance).find(*resource.resource);
    co_return value == nullptr ? std::optional<Value>() : std::optional<Value>(*value);
  }
  co_return std::optional<Value>();
}

asio::awaitable<Result<Standing>> Access::standing(ResourcePath instance, SteadyTime deadline) {
  const auto state = co_await read_one(resource_of(instance, firmware::kState), deadline);
  if (!state) co_return state.error();
  const auto result = co_await read_one(resource_of(instance, firmware::kResult), deadline);
  if (!result) co_return result.error();
  if (!*state || !*result) co_return Error{Errc::not_found, "the child does not say how its update stands"};
  const auto state_value = firmware_state_from(**state);
  if (!state_value) co_return state_value.error();
  const auto result_value = update_result_from(**result);
  if (!result_value) co_return result_value.error();
  co_return Standing{*state_value, *result_value};
}

asio::awaitable<Result<void>> Access::write(ResourcePath resource, Value value, SteadyTime deadline) {
  constexpr std::array<Format, 3> kFormats{Format::text, Format::tlv, Format::senml_cbor};
  const std::string doing = "write /" + text_of(resource);
  Answer last;
  for (const Format format : kFormats) {
    auto body = body_of(format, resource, value);
    if (!body) co_return body.error().within(doing);
    Request request;
    request.method = Method::put;
    request.path = contact_->path(text_of(resource));
    request.format = format;
    request.body = std::move(*body);
    auto answer = co_await contact_->ask(std::move(request), deadline);
    if (!answer) co_return answer.error().within(doing);
    if (is_success(answer->code)) co_return Result<void>{};
    last = std::move(*answer);
    if (last.code != Code::unsupported_format) break;
  }
  if (last.code == Code::not_found) co_return Error{Errc::unsupported, error_of(last, doing).message};
  co_return error_of(last, doing);
}

asio::awaitable<Result<void>> Access::execute(ResourcePath resource, std::string arguments, SteadyTime deadline) {
  const std::string doing = "execute /" + text_of(resource);
  Request request;
  request.method = Method::post;
  request.path = contact_->path(text_of(resource));
  if (!arguments.empty()) {
    request.format = Format::text;
    const ByteView bytes = as_bytes(arguments);
    request.body.assign(bytes.begin(), bytes.end());
  }
  const auto answer = co_await contact_->ask_once(std::move(request), deadline);
  if (!answer) co_return answer.error().within(doing);
  if (!is_success(answer->code)) co_return error_of(*answer, doing);
  co_return Result<void>{};
}

}  // namespace hg::coap
