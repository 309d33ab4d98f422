// SPDX-License-Identifier: Apache-2.0
// What an event costs, by the number of children: a whole run over ten times as many, and single turns of one child
// among 100,000. Ratios within one run; a sum that grows with the square of the children would show as an exponent
// of 2.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <vector>

#include "sim/fleet.hpp"
#include "sim/population.hpp"

namespace hg::sim {
namespace {

using Stopwatch = std::chrono::steady_clock;

double seconds_since(Stopwatch::time_point begin) {
  return std::chrono::duration<double>(Stopwatch::now() - begin).count();
}

/// All kinds of children in groups, some flaps; short, for ten thousand of them.
Faults short_life() {
  Faults faults;
  faults.until = std::chrono::minutes{30};
  faults.rollouts = 1;
  faults.in_groups = 600;
  faults.swap_back = 150;
  faults.irrevocable = 100;
  faults.flap = std::chrono::minutes{20};
  faults.lasts = std::chrono::minutes{1};
  return faults;
}

double seconds_per_event(std::size_t children) {
  Fleet fleet(children, 1, short_life(), false);
  const auto begin = Stopwatch::now();
  fleet.run();
  const double each = seconds_since(begin) / static_cast<double>(fleet.events());
  std::cout << children << " children: " << fleet.events() << " events, " << 1e6 * each << " us each, violations "
            << fleet.history().violations() << '\n';
  return each;
}

core::State enrolled(const Population& people, Instant now) {
  core::State state;
  core::apply(state, core::LayoutsSaid{people.layouts}, now);
  for (const core::Enrollment& child : people.enrollments) core::apply(state, core::ChildEnrolled{child}, now);
  for (const core::Group& group : people.groups) core::apply(state, core::GroupFormed{group}, now);
  return state;
}

/// The median of a turn: a link that comes, an inspection that is believed, a link that goes.
double seconds_per_turn(std::size_t children) {
  Random random(1);
  Faults faults = short_life();
  const Population people = populate(children, faults, random);
  const Instant now{std::chrono::hours{24 * 365 * 56}};
  const auto begin = Stopwatch::now();
  core::State state = enrolled(people, now);
  std::cout << children << " children enrolled in " << seconds_since(begin) << " s\n";
  std::vector<double> times;
  for (int i = 0; i < 3000; ++i) {
    const core::ChildId& id = people.enrollments[random.below(children)].id;
    const core::Inspection seen = people.children.at(id).listing();
    const auto start = Stopwatch::now();
    core::apply(state, core::LinkChanged{id, true, {}}, now);
    core::apply(state, core::StepEnded{id, state.children.at(id).step_number, seen}, now);
    core::apply(state, core::LinkChanged{id, false, {}}, now);
    times.push_back(seconds_since(start) / 3);
  }
  std::ranges::nth_element(times, times.begin() + 1500);
  std::cout << children << " children: a turn takes " << 1e6 * times[1500] << " us\n";
  return times[1500];
}

int measure() {
  constexpr double kMostExponent = 1.1;
  constexpr double kMostRatio = 1.5;
  const double few = seconds_per_event(1000);
  const double many = seconds_per_event(10'000);
  const double exponent = 1 + std::log10(many / few);
  const double ratio = seconds_per_turn(100'000) / seconds_per_turn(1000);
  std::cout << "exponent " << exponent << " (at most " << kMostExponent
            << "), a turn at 100,000 against 1,000: " << ratio << " (at most " << kMostRatio << ")\n";
  return exponent <= kMostExponent && ratio <= kMostRatio ? 0 : 1;
}

}  // namespace
}  // namespace hg::sim

int main() {
  return hg::sim::measure();
}
