// SPDX-License-Identifier: Apache-2.0
// May the caller do this? polkit decides. Only where no polkit is on the bus (a private or session bus) does the bus
// driver's word on who the caller is decide: root and our own user may. Nothing is taken from /proc, which could be
// about another process by then. Called by the face before every write.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>

#include "adapters/dbus/refusal.hpp"
#include "bus/connection.hpp"

namespace hg::bus {

struct Verdict {
  uid_t uid = static_cast<uid_t>(-1);  ///< of the caller, as the bus driver knows it; -1: it does not
  std::optional<Refusal> refusal;      ///< nothing: it may
  std::string why;                     ///< for the journal, when it may not
};

/// Asks about the sender of `call` and the polkit action `action`. Whether a person may be asked for a password is
/// taken from the call's own flag. Ends after at most two minutes.
boost::asio::awaitable<Verdict> authorize(std::shared_ptr<Connection> connection, const sd_bus_message* call,
                                          const char* action);

}  // namespace hg::bus
