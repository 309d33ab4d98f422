# SPDX-License-Identifier: Apache-2.0
"""The errors of bluetoothd 5.66, by its names and with its texts."""
from stand_in_bus import BusError


def error(name, text):
    return BusError("org.bluez.Error." + name, text)


def failed(text):
    return error("Failed", text)


def not_connected():  # of a GATT object; Device1's is another
    return failed("Not connected")


def in_progress():
    return error("InProgress", "In Progress")


def busy():
    return error("InProgress", "Operation already in progress")


def not_ready():
    return error("NotReady", "Resource Not Ready")


def does_not_exist():
    return error("DoesNotExist", "Does Not Exist")


def already_exists():
    return error("AlreadyExists", "Already Exists")


def not_supported():
    return error("NotSupported", "Operation is not supported")


def invalid_arguments():
    return error("InvalidArguments", "Invalid arguments in method call")


def not_permitted(text):
    return error("NotPermitted", text)


# How a pairing ends (the kernel's status, as bluetoothd says it)
def authentication_failed():
    return error("AuthenticationFailed", "Authentication Failed")


def authentication_canceled():
    return error("AuthenticationCanceled", "Authentication Canceled")


def connection_attempt_failed():
    return error("ConnectionAttemptFailed", "Page Timeout")


# How Device1.Connect ends
LOST_BEFORE_DONE = "br-connection-canceled"  # so even on LE: the link went, or Disconnect came, before Connect was done
NOT_FOUND = "le-connection-abort-by-local"   # and everything else that goes wrong while the link is made
CONNECTING = "le-connection-already-connected"
NO_SOCKET = "le-connection-create-socket"    # the adapter is off

ATT_READ_NOT_PERMITTED, ATT_UNSUPPORTED, ATT_UNLIKELY = 0x02, 0x06, 0x0e


def att(code):
    """An ATT error of the remote, as GattCharacteristic1 says it."""
    known = {
        0x02: not_permitted("Read not permitted"),
        0x03: not_permitted("Write not permitted"),
        0x05: not_permitted("Not paired"),
        0x06: not_supported(),
        0x07: error("InvalidOffset", "Invalid offset"),
        0x08: error("NotAuthorized", "Operation Not Authorized"),
        0x0c: not_permitted("Not paired"),
        0x0d: error("InvalidValueLength", "Invalid Length"),
        0x0f: not_permitted("Not paired"),
    }
    return known.get(code) or failed(f"Operation failed with ATT error: 0x{code:02x}")
