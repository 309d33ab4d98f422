// SPDX-License-Identifier: Apache-2.0
// How a request of the bus is put to ports::Control, and what comes back as the method's result. Called by the face
// once the caller is authorized.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <string>
#include <variant>

#include "adapters/dbus/requests.hpp"
#include "ports/control.hpp"

namespace hg::bus {

/// What is put into the reply: nothing, or one value.
using Reply = std::variant<std::monostate, ObjectPath, std::string>;

/// The file that came with the request; null: none did. It needs a place before the request is carried out.
LentFile* lent_with(Request& request);

/// `control` must outlive it.
[[nodiscard]] boost::asio::awaitable<Result<Reply>> carry_out(ports::Control& control, Request request, uid_t uid);

int append(sd_bus_message* message, const Reply& reply);

}  // namespace hg::bus
