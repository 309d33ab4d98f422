// SPDX-License-Identifier: Apache-2.0
#include "sim/command.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <string>

#include "sim/fleet.hpp"

namespace hg::sim {

namespace {

struct Options {
  unsigned floor = 1;
  std::size_t children = 30;
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  std::string scenario = "default";
  std::string scenarios = HEADGATE_SCENARIOS;
  bool shows = false;
  bool stops = false;
};

using Counts = std::map<std::string, std::uint64_t>;

/// Whether nothing was wrong.
bool run_one(const Options& options, const DaemonMaker& floor, const Faults& faults, std::uint64_t seed, Counts& sum) {
  Fleet fleet(options.children, seed, faults, options.shows, floor);
  fleet.run();
  const History& history = fleet.history();
  std::cout << "seed " << seed;
  for (const auto& [what, count] : fleet.counts()) {
    std::cout << ' ' << what << ' ' << count;
    sum[what] += count;
  }
  std::cout << " in " << fleet.elapsed().count() / 1000 << " s\n";
  if (history.violations() > 0) {
    for (const std::string& line : history.first()) std::cout << "  " << line << '\n';
    std::cout << "floor " << options.floor << " scenario " << options.scenario << " children " << options.children
              << " seed " << seed << '\n';
  }
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(history.hash()));
  std::cout << "trace " << hash << " events " << fleet.events() << " violations " << history.violations() << '\n';
  return history.violations() == 0;
}

}  // namespace

int run_command(int count, char** words, const std::map<unsigned, DaemonMaker>& floors) {
  Options options;
  CLI::App app{"Simulates a fleet under faults, by a seed", "fleet-sim"};
  app.add_option("--floor", options.floor, "1: the bare engine; 2: the whole service");
  app.add_option("--children", options.children)->check(CLI::Range(1, 1'000'000));
  app.add_option("--seed", options.seed);
  app.add_option("--seeds", options.seeds, "so many, from --seed on");
  app.add_option("--scenario", options.scenario, "a name in --scenarios");
  app.add_option("--scenarios", options.scenarios, "a directory");
  app.add_flag("--show", options.shows, "all that happens, on standard error");
  app.add_flag("--stop", options.stops, "at the first seed that goes wrong");
  CLI11_PARSE(app, count, words);
  const auto floor = floors.find(options.floor);
  if (floor == floors.end()) {
    std::cerr << "fleet-sim: there is no floor " << options.floor << '\n';
    return 2;
  }
  const auto faults = Faults::read(options.scenarios + "/" + options.scenario + ".toml");
  if (!faults) {
    std::cerr << "fleet-sim: " << faults.error().message << '\n';
    return 2;
  }
  bool is_well = true;
  Counts sum;
  for (std::uint64_t i = 0; i < options.seeds && !(options.stops && !is_well); ++i)
    is_well = run_one(options, floor->second, *faults, options.seed + i, sum) && is_well;
  constexpr std::uint64_t kTelling = 400;  // children in all: in fewer a thing that is rare need not come about
  for (const std::string& what : faults->shows) {
    if (options.seeds * options.children < kTelling || !is_well || sum.contains(what)) continue;
    std::cerr << "fleet-sim: no '" << what << "' in " << options.seeds << " seeds: the scenario proves nothing\n";
    is_well = false;
  }
  return is_well ? 0 : 1;
}

}  // namespace hg::sim
