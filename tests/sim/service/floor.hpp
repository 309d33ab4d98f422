// SPDX-License-Identifier: Apache-2.0
// Floor 2 of a fleet: the daemon is the whole service (service_daemon.hpp, which has all that it needs).
#pragma once

#include <memory>

#include "sim/daemon.hpp"

namespace hg::sim {

std::unique_ptr<Daemon> make_service(const Surroundings& surroundings);

}  // namespace hg::sim
