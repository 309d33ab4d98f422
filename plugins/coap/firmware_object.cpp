// SPDX-License-Identifier: Apache-2.0
#include "coap/firmware_object.hpp"

#include <algorithm>
#include <limits>

#include "coap/link_format.hpp"

namespace hg::coap {
namespace {

constexpr std::int64_t kMostResult = std::numeric_limits<std::uint8_t>::max();
constexpr std::int64_t kLeastImportant = 2;  // severity: optional

std::vector<PullProtocol> protocols_in(const InstanceView& said) {
  const auto values = said.values(firmware::kProtocols);
  if (values.empty()) return {PullProtocol::coap};
  std::vector<PullProtocol> protocols;
  for (const Value* value : values) {
    const auto number = value->integer();
    const bool is_known = number && *number >= 0 && *number <= static_cast<std::int64_t>(PullProtocol::coap_tls);
    if (is_known) protocols.push_back(static_cast<PullProtocol>(*number));
  }
  return protocols;
}

std::vector<ObjectLink> links_in(const InstanceView& said, std::uint16_t resource) {
  std::vector<ObjectLink> links;
  for (const Value* value : said.values(resource)) {
    if (const auto link = value->link()) links.push_back(*link);
  }
  return links;
}

/// What is said of that resource as an integer from 0 to `most`; nothing where it is not said.
template <class Number>
Result<std::optional<Number>> number_in(const InstanceView& said, std::uint16_t resource, std::int64_t most) {
  const Value* value = said.find(resource);
  if (value == nullptr) return std::optional<Number>{};
  const auto number = value->integer();
  if (number && *number >= 0 && *number <= most) return std::optional{static_cast<Number>(*number)};
  return Error{Errc::invalid,
               "resource " + std::to_string(resource) + " is no integer from 0 to " + std::to_string(most)};
}

Result<void> read_progress(const InstanceView& said, Firmware& firmware) {
  const Value* state = said.find(firmware::kState);
  const Value* result = said.find(firmware::kResult);
  if (state == nullptr || result == nullptr) return Error{Errc::invalid, "State or Update Result is missing"};
  const auto read_state = firmware_state_from(*state);
  if (!read_state) return read_state.error();
  const auto read_result = update_result_from(*result);
  if (!read_result) return read_result.error();
  firmware.state = *read_state;
  firmware.result = *read_result;
  return {};
}

Result<void> read_policy(const InstanceView& said, Firmware& firmware) {
  const auto delivery =
      number_in<DeliveryMethod>(said, firmware::kDelivery, static_cast<std::int64_t>(DeliveryMethod::both));
  if (!delivery) return delivery.error();
  firmware.delivery = delivery->value_or(DeliveryMethod::both);
  const auto severity = number_in<std::uint8_t>(said, firmware::kSeverity, kLeastImportant);
  if (!severity) return severity.error();
  firmware.severity = *severity;
  const auto defer = number_in<std::uint32_t>(said, firmware::kMaximumDefer, std::numeric_limits<std::uint32_t>::max());
  if (!defer) return defer.error();
  firmware.maximum_defer = *defer;
  firmware.last_state_change = said.integer(firmware::kLastStateChange);
  return {};
}

void read_component(const InstanceView& said, Firmware& firmware) {
  if (firmware.object == kFirmwareObject) {
    firmware.automatic = said.boolean(firmware::kAutomatic);
    return;
  }
  firmware.component = said.text(firmware::kComponent).value_or("");
  firmware.current_version = said.text(firmware::kCurrentVersion).value_or("");
  firmware.linked = links_in(said, firmware::kLinked);
  firmware.conflicting = links_in(said, firmware::kConflicting);
}

Error refusal(Errc code, UpdateResult result, std::string_view what) {
  return {code, "the child says Result " + std::to_string(static_cast<unsigned>(result)) + ": " + std::string(what)};
}

}  // namespace

std::string_view text_of(FirmwareState state) {
  switch (state) {
    case FirmwareState::idle:
      return "idle";
    case FirmwareState::downloading:
      return "downloading";
    case FirmwareState::downloaded:
      return "downloaded";
    case FirmwareState::updating:
      break;
  }
  return "updating";
}

bool Firmware::pulls_by(PullProtocol protocol) const {
  return delivery != DeliveryMethod::push && std::ranges::find(protocols, protocol) != protocols.end();
}

Result<FirmwareState> firmware_state_from(const Value& value) {
  const auto state = value.integer();
  if (!state || *state < 0 || *state > static_cast<std::int64_t>(FirmwareState::updating)) {
    return Error{Errc::invalid, "the State of an update is none of 0 to 3"};
  }
  return static_cast<FirmwareState>(*state);
}

Result<UpdateResult> update_result_from(const Value& value) {
  const auto result = value.integer();
  if (!result || *result < 0 || *result > kMostResult) return Error{Errc::invalid, "the Update Result is no number"};
  return static_cast<UpdateResult>(*result);
}

Result<Firmware> firmware_from(const Resources& resources, std::uint16_t object, std::uint16_t instance) {
  const std::string path = "/" + std::to_string(object) + "/" + std::to_string(instance);
  const InstanceView said = resources.of(object, instance);
  if (!said.is_there()) return Error{Errc::not_found, "the child said nothing of " + path};
  Firmware firmware;
  firmware.object = object;
  firmware.instance = instance;
  if (auto done = read_progress(said, firmware); !done) return done.error().within(path);
  if (auto done = read_policy(said, firmware); !done) return done.error().within(path);
  firmware.uri = said.text(firmware::kPackageUri).value_or("");
  firmware.package_name = said.text(firmware::kPackageName).value_or("");
  firmware.package_version = said.text(firmware::kPackageVersion).value_or("");
  firmware.protocols = protocols_in(said);
  firmware.names_protocols = !said.values(firmware::kProtocols).empty();
  read_component(said, firmware);
  return firmware;
}

std::optional<Error> cause_of(UpdateResult result) {
  switch (result) {
    case UpdateResult::initial:
    case UpdateResult::success:
      return std::nullopt;
    case UpdateResult::no_flash:
      return refusal(Errc::no_space, result, "not enough flash for the package; send a smaller one");
    case UpdateResult::no_ram:
      return refusal(Errc::no_space, result, "out of RAM during the download; restart the child and try again");
    case UpdateResult::connection_lost:
      return refusal(Errc::unavailable, result, "it lost the connection during the download; it is tried again");
    case UpdateResult::integrity_failure:
      return refusal(Errc::mismatch, result, "the package did not arrive as it was sent, or is damaged");
    case UpdateResult::unsupported_package:
      return refusal(Errc::unsupported, result, "a package of a kind that it does not take; is it for this hardware?");
    case UpdateResult::invalid_uri:
      return refusal(Errc::invalid, result,
                     "it cannot fetch from the URI; see that it reaches this gateway by that name");
    case UpdateResult::update_failed:
      return refusal(Errc::io, result, "it could not install the package, and still runs what it ran; see its own log");
    case UpdateResult::unsupported_protocol:
      return refusal(Errc::unsupported, result, "it does not pull by that protocol; let it be pushed (way = \"push\")");
    case UpdateResult::cancelled:
      return refusal(Errc::denied, result, "the update was cancelled at the child");
    case UpdateResult::deferred:
      return refusal(Errc::busy, result, "it puts the update off; defer_s bounds for how long");
    case UpdateResult::conflicting_state:
      return refusal(Errc::busy, result, "another component of it is not idle; finish or cancel that update first");
    case UpdateResult::dependency_error:
      return refusal(Errc::guard_failed, result, "another component must be updated before or with this one");
  }
  return refusal(Errc::unsupported, result, "one that no version of the object knows");
}

std::string execute_arguments(const std::vector<std::uint16_t>& instances) {
  std::string arguments = "0";
  for (const std::uint16_t instance : instances) {
    arguments += arguments.size() == 1 ? "='" : ",";
    arguments += "</" + std::to_string(kAdvancedFirmwareObject) + "/" + std::to_string(instance) + ">";
  }
  return instances.empty() ? arguments : arguments + "'";
}

}  // namespace hg::coap
