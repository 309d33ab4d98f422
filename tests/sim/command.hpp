// SPDX-License-Identifier: Apache-2.0
// The command line of fleet-sim: one run over a fleet, by a seed; or several, one after the other. The last line of
// each says what hash the run had, how many events, and how much was wrong.
#pragma once

#include <map>

#include "sim/daemon.hpp"

namespace hg::sim {

/// The daemons that `--floor` may name. Returns the exit status: 1 if anything was wrong.
int run_command(int count, char** words, const std::map<unsigned, DaemonMaker>& floors);

}  // namespace hg::sim
