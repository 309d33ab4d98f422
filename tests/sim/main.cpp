// SPDX-License-Identifier: Apache-2.0
// fleet-sim with the bare engine alone: what mutants/run.py links against a broken core.
#include "sim/command.hpp"
#include "sim/sim_daemon.hpp"

int main(int count, char** words) {
  return hg::sim::run_command(count, words, {{1, hg::sim::make_bare_engine}});
}
