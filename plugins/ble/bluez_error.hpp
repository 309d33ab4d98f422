// SPDX-License-Identifier: Apache-2.0
// BlueZ's errors (names org.bluez.Error.*, texts of 5.66's src/error.c and device.c) as the caller's choices. Pure;
// bluez asks it for each reply that is an error.
//
// Errc::unavailable: bluetoothd or the adapter is gone, off or not ready, or the bus forbids us to ask
// Errc::not_found: the device or characteristic is not there (any more)
// Errc::busy: something of the kind runs already (InProgress); try again
// Errc::timed_out: the device did not answer, or bluetoothd did not
// Errc::unauthenticated: pairing failed or a bond does not hold: wrong passkey, missing key, rejected
// Errc::denied: the access needs a protected link (ATT 0x05, 0x08, 0x0c, 0x0f; NotAuthorized; NotPermitted with "Not
// paired") Errc::unsupported: this characteristic or bluetoothd cannot do that (NotSupported; NotPermitted otherwise,
// which is
//   about the properties of the characteristic)
// Errc::exists: it is so already (AlreadyExists of a pairing: paired; AlreadyConnected)
// Errc::invalid: bluetoothd does not understand the question
// Errc::io: the connection could not be made or broke (AuthenticationCanceled too: the link was lost while pairing);
// try
//   again
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hg::ble {

/// `doing`: what was asked, "connect to C0:FF:EE:00:11:22". The text names the error as BlueZ does, bounded.
Error error_of(std::string_view name, std::string_view text, const std::string& doing);

}  // namespace hg::ble
