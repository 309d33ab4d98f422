// SPDX-License-Identifier: Apache-2.0
// This gateway's private key, from a systemd credential. The key stays here. Made by the composition root.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "ports/gateway_key.hpp"

namespace hg::app {

/// `credential` is the name of one that holds a private key in PEM; the text is wiped when the key is made.
Result<std::unique_ptr<ports::GatewayKey>> load_gateway_key(const std::string& credential);

}  // namespace hg::app
