// SPDX-License-Identifier: Apache-2.0
// Each error that bluetoothd 5.66 can send (the strings in its program) is one of the choices of who asked.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "ble/bluez_error.hpp"

namespace hg::ble {
namespace {

struct Case {
  const char* name;
  const char* text;
  Errc code;
};

constexpr std::array kCases = std::to_array<Case>({
    {"org.bluez.Error.NotReady", "Resource Not Ready", Errc::unavailable},
    {"org.bluez.Error.NoSuchAdapter", "No such adapter", Errc::unavailable},
    {"org.bluez.Error.NotAvailable", "Operation currently not available", Errc::unavailable},
    {"org.bluez.Error.AgentNotAvailable", "Agent Not Available", Errc::unavailable},
    {"org.freedesktop.DBus.Error.ServiceUnknown", "The name :1.7 was not provided by any .service files",
     Errc::unavailable},
    {"org.freedesktop.DBus.Error.NameHasNoOwner", "", Errc::unavailable},
    {"org.freedesktop.DBus.Error.NoReply", "Message recipient disconnected from message bus without replying",
     Errc::unavailable},
    {"org.freedesktop.DBus.Error.NoReply", "Connection terminated", Errc::unavailable},
    {"org.freedesktop.DBus.Error.Disconnected", "", Errc::unavailable},
    {"org.freedesktop.DBus.Error.LimitsExceeded", "", Errc::unavailable},
    // Not "denied", which would be taken for the child's word.
    {"org.freedesktop.DBus.Error.AccessDenied", "Rejected send message, 2 matched rules", Errc::unavailable},

    {"org.bluez.Error.DoesNotExist", "Does Not Exist", Errc::not_found},
    {"org.freedesktop.DBus.Error.UnknownObject", "Method \"Connect\" ... doesn't exist", Errc::not_found},
    {"org.freedesktop.DBus.Error.UnknownMethod", "Method \"Connect\" ... doesn't exist", Errc::not_found},
    {"org.freedesktop.DBus.Error.UnknownInterface", "", Errc::not_found},

    {"org.bluez.Error.InProgress", "In Progress", Errc::busy},
    {"org.bluez.Error.InProgress", "Operation already in progress", Errc::busy},
    {"org.bluez.Error.Failed", "Operation already in progress", Errc::busy},
    {"org.bluez.Error.Busy", "", Errc::busy},
    {"org.bluez.Error.NotPermitted", "Write acquired", Errc::busy},
    {"org.bluez.Error.NotPermitted", "Notify acquired", Errc::busy},
    {"org.bluez.Error.Failed", "le-connection-busy", Errc::busy},
    {"org.bluez.Error.Failed", "le-connection-concurrent-connection-limit", Errc::busy},

    {"org.bluez.Error.AuthenticationTimeout", "Authentication Timeout", Errc::timed_out},
    {"org.bluez.Error.Failed", "le-connection-timeout", Errc::timed_out},
    {"org.bluez.Error.Failed", "Connection timed out", Errc::timed_out},
    {"org.freedesktop.DBus.Error.NoReply", "Method call timed out", Errc::timed_out},
    {"org.freedesktop.DBus.Error.Timeout", "", Errc::timed_out},
    {"org.freedesktop.DBus.Error.TimedOut", "", Errc::timed_out},

    {"org.bluez.Error.AuthenticationFailed", "Authentication Failed", Errc::unauthenticated},
    {"org.bluez.Error.AuthenticationRejected", "Authentication Rejected", Errc::unauthenticated},
    {"org.bluez.Error.Rejected", "", Errc::unauthenticated},
    {"org.bluez.Error.Failed", "le-connection-key-missing", Errc::unauthenticated},

    {"org.bluez.Error.NotAuthorized", "Operation Not Authorized", Errc::denied},
    {"org.bluez.Error.NotPermitted", "Not paired", Errc::denied},
    {"org.bluez.Error.Failed", "Operation failed with ATT error: 0x05", Errc::denied},
    {"org.bluez.Error.Failed", "Operation failed with ATT error: 0x08", Errc::denied},
    {"org.bluez.Error.Failed", "Operation failed with ATT error: 0x0c", Errc::denied},
    {"org.bluez.Error.Failed", "Operation failed with ATT error: 0x0f", Errc::denied},
    {"org.bluez.Error.Blocked", "", Errc::denied},

    {"org.bluez.Error.NotSupported", "Operation is not supported", Errc::unsupported},
    {"org.bluez.Error.Unsupported", "", Errc::unsupported},
    // The properties of the characteristic say so, on a link with any protection: no evidence of anything.
    {"org.bluez.Error.NotPermitted", "Read not permitted", Errc::unsupported},
    {"org.bluez.Error.NotPermitted", "Write not permitted", Errc::unsupported},
    {"org.bluez.Error.Failed", "Operation failed with ATT error: 0x06", Errc::unsupported},
    {"org.bluez.Error.Failed", "le-connection-not-supported", Errc::unsupported},

    {"org.bluez.Error.AlreadyExists", "Already Paired", Errc::exists},
    {"org.bluez.Error.AlreadyConnected", "Already Connected", Errc::exists},
    {"org.bluez.Error.Failed", "le-connection-already-connected", Errc::exists},

    {"org.bluez.Error.InvalidArguments", "Invalid arguments in method call", Errc::invalid},
    {"org.bluez.Error.InvalidOffset", "Invalid Offset", Errc::invalid},
    {"org.bluez.Error.InvalidValueLength", "Invalid Length", Errc::invalid},
    {"org.freedesktop.DBus.Error.InvalidArgs", "", Errc::invalid},

    {"org.bluez.Error.Failed", "le-connection-abort-by-local", Errc::io},
    {"org.bluez.Error.Failed", "le-connection-abort-by-remote", Errc::io},
    {"org.bluez.Error.Failed", "le-connection-refused", Errc::io},
    {"org.bluez.Error.Failed", "le-connection-unknown", Errc::io},
    {"org.bluez.Error.Failed", "Operation failed with ATT error: 0x0e", Errc::io},
    {"org.bluez.Error.Failed", "Not connected", Errc::io},
    {"org.bluez.Error.Failed", "", Errc::io},
    {"org.bluez.Error.Failed", "le-connection-adapter-not-powered", Errc::unavailable},
    {"org.bluez.Error.NotConnected", "Not Connected", Errc::io},
    {"org.bluez.Error.ConnectionAttemptFailed", "Page Timeout", Errc::io},
    {"org.bluez.Error.AuthenticationCanceled", "Authentication Canceled", Errc::io},
    {"org.bluez.Error.Canceled", "", Errc::io},
    {"org.bluez.Error.SomethingOfTomorrow", "", Errc::io},
    {"com.example.Error", "?", Errc::io},
    {"", "", Errc::io},
});

TEST(BluezError, IsAChoiceOfWhoAsked) {
  for (const Case& one : kCases) {
    const Error error = error_of(one.name, one.text, "connect to C0:FF:EE:00:11:22");
    EXPECT_EQ(error.code, one.code) << one.name << " | " << one.text << " is " << name_of(error.code);
  }
}

TEST(BluezError, NamesWhatWasAskedAndWhatBlueZSaid) {
  const Error error = error_of("org.bluez.Error.Failed", "le-connection-abort-by-local", "connect to boiler");
  EXPECT_EQ(error.message, "connect to boiler: le-connection-abort-by-local (org.bluez.Error.Failed)");
  EXPECT_EQ(error_of("org.bluez.Error.NotReady", "", "discover").message,
            "discover: org.bluez.Error.NotReady (org.bluez.Error.NotReady)");
}

TEST(BluezError, IsShortAndPrintable) {
  const Error error = error_of("org.bluez.Error.Failed\n", std::string(10'000, 'x') + "\x1b[2J", "pair");
  EXPECT_LT(error.message.size(), 500U);
  const Error raw = error_of("org.bluez.Error.Failed", "a\x1b[2Jb\nc\xff", "pair");
  EXPECT_EQ(raw.message, "pair: a?[2Jb?c? (org.bluez.Error.Failed)");
}

}  // namespace
}  // namespace hg::ble
