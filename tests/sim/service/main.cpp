// SPDX-License-Identifier: Apache-2.0
// fleet-sim: floor 1 the bare engine, floor 2 the whole service.
#include "sim/command.hpp"
#include "sim/service/floor.hpp"
#include "sim/sim_daemon.hpp"

int main(int count, char** words) {
  return hg::sim::run_command(count, words, {{1, hg::sim::make_bare_engine}, {2, hg::sim::make_service}});
}
