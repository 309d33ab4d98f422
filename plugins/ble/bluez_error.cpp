// SPDX-License-Identifier: Apache-2.0
#include "ble/bluez_error.hpp"

#include <algorithm>
#include <array>

namespace hg::ble {
namespace {

constexpr std::size_t kLongestText = 200;
constexpr std::string_view kBlueZ = "org.bluez.Error.";
constexpr std::string_view kBus = "org.freedesktop.DBus.Error.";

struct Known {
  std::string_view what;
  Errc code;
};

/// By the last part of org.bluez.Error.*; the texts of Failed and NotPermitted are looked at before.
constexpr std::array kBlueZNames = std::to_array<Known>({
    {"AgentNotAvailable", Errc::unavailable},
    {"AlreadyConnected", Errc::exists},
    {"AlreadyExists", Errc::exists},
    {"AuthenticationCanceled", Errc::io},
    {"AuthenticationFailed", Errc::unauthenticated},
    {"AuthenticationRejected", Errc::unauthenticated},
    {"AuthenticationTimeout", Errc::timed_out},
    {"Blocked", Errc::denied},
    {"Busy", Errc::busy},
    {"ConnectionAttemptFailed", Errc::io},
    {"DoesNotExist", Errc::not_found},
    {"InProgress", Errc::busy},
    {"InvalidArgs", Errc::invalid},
    {"InvalidArguments", Errc::invalid},
    {"InvalidOffset", Errc::invalid},
    {"InvalidValueLength", Errc::invalid},
    {"NoSuchAdapter", Errc::unavailable},
    {"NotAuthorized", Errc::denied},
    {"NotAvailable", Errc::unavailable},
    {"NotConnected", Errc::io},
    {"NotReady", Errc::unavailable},
    {"NotSupported", Errc::unsupported},
    {"Rejected", Errc::unauthenticated},
    {"Unsupported", Errc::unsupported},
});

/// org.freedesktop.DBus.Error.*: by the bus, by sd-bus itself, or by libdbus in bluetoothd for objects that went.
/// AccessDenied is the policy of the bus and nothing of the child's, so it must not look like a refused access.
constexpr std::array kBusNames = std::to_array<Known>({
    {"AccessDenied", Errc::unavailable},
    {"Disconnected", Errc::unavailable},
    {"InvalidArgs", Errc::invalid},
    {"LimitsExceeded", Errc::unavailable},
    {"NameHasNoOwner", Errc::unavailable},
    {"NoReply", Errc::unavailable},
    {"ServiceUnknown", Errc::unavailable},
    {"TimedOut", Errc::timed_out},
    {"Timeout", Errc::timed_out},
    {"UnknownInterface", Errc::not_found},
    {"UnknownMethod", Errc::not_found},
    {"UnknownObject", Errc::not_found},
});

/// Of parts of the text of Failed and NotPermitted, in this order (error.h, gatt-client.c, adapter.c). An ATT error is
/// told with the code of the Core Specification, Vol 3, Part F, 3.4.1.1.
constexpr std::array kTexts = std::to_array<Known>({
    {"ATT error: 0x05", Errc::denied},       // insufficient authentication
    {"ATT error: 0x08", Errc::denied},       // insufficient authorization
    {"ATT error: 0x0c", Errc::denied},       // encryption key too short
    {"ATT error: 0x0f", Errc::denied},       // insufficient encryption
    {"ATT error: 0x06", Errc::unsupported},  // request not supported
    {"ATT error: ", Errc::io},
    {"Write acquired", Errc::busy},
    {"Notify acquired", Errc::busy},
    {"Not paired", Errc::denied},  // ATT 0x05, 0x0c, 0x0f
    {"connection-adapter-not-powered", Errc::unavailable},
    {"connection-already-connected", Errc::exists},
    {"connection-busy", Errc::busy},
    {"connection-concurrent-connection-limit", Errc::busy},
    {"connection-key-missing", Errc::unauthenticated},
    {"connection-not-supported", Errc::unsupported},
    {"connection-timeout", Errc::timed_out},
    {"Connection timed out", Errc::timed_out},
    {"Operation already in progress", Errc::busy},
    {"Resource Not Ready", Errc::unavailable},
});

Errc by_name(const auto& known, std::string_view name, Errc otherwise) {
  const auto found = std::ranges::find(known, name, &Known::what);
  return found == known.end() ? otherwise : found->code;
}

Errc by_text(std::string_view text, Errc otherwise) {
  const auto has = [text](const Known& known) { return text.find(known.what) != std::string_view::npos; };
  const auto found = std::ranges::find_if(kTexts, has);
  return found == kTexts.end() ? otherwise : found->code;
}

Errc code_of(std::string_view name, std::string_view text) {
  if (name.starts_with(kBlueZ)) {
    name.remove_prefix(kBlueZ.size());
    if (name == "Failed") return by_text(text, Errc::io);
    if (name == "NotPermitted") return by_text(text, Errc::unsupported);
    return by_name(kBlueZNames, name, Errc::io);
  }
  if (!name.starts_with(kBus)) return Errc::io;
  name.remove_prefix(kBus.size());
  // sd-bus's own word for a deadline that passed; the bus says NoReply when who was asked has gone.
  if (name == "NoReply" && text.find("timed out") != std::string_view::npos) return Errc::timed_out;
  return by_name(kBusNames, name, Errc::io);
}

/// What may stand in a log: bluetoothd repeats names that devices gave themselves.
std::string printable(std::string_view text) {
  std::string clean(text.substr(0, kLongestText));
  std::ranges::replace_if(
      clean, [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

}  // namespace

Error error_of(std::string_view name, std::string_view text, const std::string& doing) {
  const std::string said = printable(text.empty() ? name : text);
  return Error{code_of(name, text), doing + ": " + said + " (" + printable(name) + ")"};
}

}  // namespace hg::ble
