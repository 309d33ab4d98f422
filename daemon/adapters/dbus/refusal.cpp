// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/refusal.hpp"

namespace hg::bus {
namespace {

// docs/dbus.md lists them.
const char* name_on_bus(Errc code) {
  switch (code) {
    case Errc::invalid:
      return SD_BUS_ERROR_INVALID_ARGS;
    case Errc::denied:
      return "org.headgate.Headgate1.Error.NotPermitted";
    case Errc::too_large:
      return SD_BUS_ERROR_LIMITS_EXCEEDED;
    case Errc::not_found:
      return "org.headgate.Headgate1.Error.NotFound";
    case Errc::exists:
      return "org.headgate.Headgate1.Error.AlreadyExists";
    case Errc::unsupported:
      return "org.headgate.Headgate1.Error.NotSupported";
    case Errc::unauthenticated:
      return "org.headgate.Headgate1.Error.SignatureInvalid";
    case Errc::mismatch:
      return "org.headgate.Headgate1.Error.Incompatible";
    case Errc::busy:
      return "org.headgate.Headgate1.Error.Busy";
    case Errc::unavailable:
      return "org.headgate.Headgate1.Error.Unavailable";
    case Errc::timed_out:
      return "org.headgate.Headgate1.Error.TimedOut";
    case Errc::cancelled:
      return "org.headgate.Headgate1.Error.Cancelled";
    case Errc::no_space:
      return "org.headgate.Headgate1.Error.CacheFull";
    case Errc::guard_failed:
      return "org.headgate.Headgate1.Error.NotAllowedInState";
    case Errc::internal:
    case Errc::io:
      break;
  }
  return "org.headgate.Headgate1.Error.Failed";
}

}  // namespace

Refusal refusal_of(const Error& error) {
  return {name_on_bus(error.code), error.message};
}

void refuse(sd_bus_message* call, const Refusal& refusal) {
  sd_bus_reply_method_errorf(call, refusal.name, "%s", refusal.text.c_str());
}

}  // namespace hg::bus
