// SPDX-License-Identifier: Apache-2.0
// How a call is refused: the error name that a client decides by, and the text that a person reads. One table maps
// our errors to names. Used by the face and its requests.
#pragma once

#include <string>

#include "bus/message.hpp"

namespace hg::bus {

struct Refusal {
  const char* name;
  std::string text;
};

/// Clients see the code as the error's name and the whole text.
Refusal refusal_of(const Error& error);

/// Sends the refusal as the answer to `call`; an answer that cannot be sent is dropped with its connection.
void refuse(sd_bus_message* call, const Refusal& refusal);

}  // namespace hg::bus
