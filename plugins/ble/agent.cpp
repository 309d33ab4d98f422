// SPDX-License-Identifier: Apache-2.0
#include "ble/agent.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace hg::ble {
namespace {

constexpr std::size_t kDigits = 6;

int reject(sd_bus_error* error) {
  return sd_bus_error_set(error, "org.bluez.Error.Rejected", "headgate does not expect this");
}

/// 0 to 999999.
std::optional<std::uint32_t> number_of(const Secret& passkey) {
  const ByteView digits = passkey.view();
  const bool is_number = std::ranges::all_of(digits, [](std::uint8_t c) { return c >= '0' && c <= '9'; });
  if (digits.size() != kDigits || !is_number) return std::nullopt;
  std::uint32_t number = 0;
  for (const std::uint8_t digit : digits) number = number * 10 + (digit - std::uint32_t{'0'});
  return number;
}

void wipe_number(std::uint32_t& number) {
  wipe(std::span(reinterpret_cast<std::uint8_t*>(&number), sizeof number));
}

/// The message, and every copy of it that sd-bus makes, is wiped when it goes.
int reply_in_secret(sd_bus* bus, sd_bus_message* call, std::uint32_t number) {
  sd_bus_message* raw = nullptr;
  int result = sd_bus_message_new_method_return(call, &raw);
  const bus::Message reply{raw};
  if (result >= 0) result = sd_bus_message_sensitive(raw);
  if (result >= 0) result = sd_bus_message_append_basic(raw, 'u', &number);
  wipe_number(number);
  return result < 0 ? result : sd_bus_send(bus, raw, nullptr);
}

}  // namespace

// BlueZ's doc/agent-api.txt. Unprivileged: on the system bus the policy of the bus says who may call, and below we do.
const sd_bus_vtable Agent::kMethods[] = {
    SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Release", "", "", Agent::on_told, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Cancel", "", "", Agent::on_told, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RequestPasskey", "o", "u", Agent::on_passkey, SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
    SD_BUS_METHOD("RequestConfirmation", "ou", "", Agent::on_consent, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RequestAuthorization", "o", "", Agent::on_consent, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RequestPinCode", "o", "s", Agent::on_unwanted, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("DisplayPinCode", "os", "", Agent::on_unwanted, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("DisplayPasskey", "ouq", "", Agent::on_unwanted, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("AuthorizeService", "os", "", Agent::on_unwanted, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

Agent::Agent(bus::Connection& connection, std::string bluetoothd, PairingAnswers answers)
    : connection_(connection), bluetoothd_(std::move(bluetoothd)), answers_(std::move(answers)) {}

Result<void> Agent::listen() {
  sd_bus_slot* slot = nullptr;
  const int result = sd_bus_add_object_vtable(connection_.bus(), &slot, path(), "org.bluez.Agent1", kMethods, this);
  if (result == -EEXIST) return Error{Errc::exists, "another pairing has its agent on the bus"};
  if (result < 0) return from_errno(-result, "export the pairing agent");
  exported_.reset(slot);
  return {};
}

bool Agent::is_about_device(sd_bus_message* call) const {
  const char* const sender = sd_bus_message_get_sender(call);
  const char* device = nullptr;
  return sender != nullptr && bluetoothd_ == sender && sd_bus_message_read_basic(call, 'o', &device) > 0 &&
         answers_.device == device;
}

int Agent::give_passkey(sd_bus_message* call) {
  std::optional<std::uint32_t> number = number_of(*answers_.passkey);
  if (!number) return -EINVAL;
  const int result = reply_in_secret(connection_.bus(), call, *number);
  wipe_number(*number);
  if (result >= 0) has_given_passkey_ = true;
  return result < 0 ? result : 1;
}

int Agent::on_passkey(sd_bus_message* call, void* userdata, sd_bus_error* error) {
  auto& self = *static_cast<Agent*>(userdata);
  if (!self.is_about_device(call) || !self.answers_.passkey) return reject(error);
  const int result = self.give_passkey(call);
  return result < 0 ? reject(error) : result;
}

int Agent::on_consent(sd_bus_message* call, void* userdata, sd_bus_error* error) {
  const auto& self = *static_cast<Agent*>(userdata);
  if (!self.is_about_device(call) || self.answers_.passkey) return reject(error);
  return sd_bus_reply_method_return(call, nullptr);
}

int Agent::on_unwanted(sd_bus_message* /*call*/, void* /*self*/, sd_bus_error* error) {
  return reject(error);
}

/// Release, Cancel: Pair() tells how it ended.
int Agent::on_told(sd_bus_message* call, void* /*self*/, sd_bus_error* /*error*/) {
  return sd_bus_reply_method_return(call, nullptr);
}

}  // namespace hg::ble
