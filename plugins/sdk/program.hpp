// SPDX-License-Identifier: Apache-2.0
// main() of a plugin: options, signals, the loop. Called by each plugin's main.cpp with a maker of its Driver.
#pragma once

#include <functional>
#include <memory>

#include "sdk/driver.hpp"
#include "sdk/plugin.hpp"

namespace hg::plugin {

/// Makes the driver; `report` and `log` may be kept by it.
using MakeDriver =
    std::function<std::unique_ptr<Driver>(boost::asio::any_io_executor executor, LinkReport report, Log log)>;

/// Options: --socket PATH (default /run/headgate/plugins.sock), --version, --help. Ends with 0 at SIGTERM or SIGINT,
/// with 2 for wrong usage, with 1 when something breaks that it cannot go on without.
int run_program(int argc, char** argv, const Identity& identity, const MakeDriver& make_driver);

}  // namespace hg::plugin
