// SPDX-License-Identifier: Apache-2.0
// What an event costs, by the number of children: a whole run over ten times as many, and single turns of one child
// among 100,000. Ratios within one run; a sum that grows with the square of the children would show as an exponent
// of 2. Ten thousand children do not fit into a processor's cache as a thousand do, whatever is done with them: what
// that costs is measured by ten fleets of a thousand, and told beside.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <iostream>
#include <memory>
#include <vector>

#include "sim/fleet.hpp"
#include "sim/population.hpp"

namespace hg::sim {
namespace {

/// Of the processor, so that a machine with other things to do tells the same.
double processor_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
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

/// Of so many fleets at once, in slices of time as short as the pause between two events of a large one: what the
/// machine's memory costs is the same for one large fleet and for as many children in small ones.
double seconds_per_event(std::size_t fleets, std::size_t children) {
  constexpr Duration kSlice{20};
  const Faults faults = short_life();
  std::vector<std::unique_ptr<Fleet>> all;
  for (std::size_t i = 0; i < fleets; ++i) all.push_back(std::make_unique<Fleet>(children, i + 1, faults, false));
  const double begin = processor_seconds();
  for (const auto& fleet : all) fleet->begin();
  for (Duration now{0}; now <= faults.until; now += kSlice)
    for (const auto& fleet : all) fleet->advance(now);
  for (const auto& fleet : all) fleet->end();
  const double whole = processor_seconds() - begin;
  std::uint64_t events = 0;
  std::uint64_t violations = 0;
  for (const auto& fleet : all) {
    events += fleet->events();
    violations += fleet->history().violations();
  }
  const double each = whole / static_cast<double>(events);
  std::cout << fleets << " x " << children << " children: " << events << " events, " << 1e6 * each
            << " us each, violations " << violations << std::endl;
  return each;
}

core::State enrolled(const Population& people, Instant now) {
  core::State state;
  core::apply(state, core::LayoutsSaid{people.layouts}, now);
  for (const core::Enrollment& child : people.enrollments) core::apply(state, core::ChildEnrolled{child}, now);
  for (const core::Group& group : people.groups) core::apply(state, core::GroupFormed{group}, now);
  for (const std::string& product : products()) {
    const core::Deliverable deliverable = deliverable_of(product, 2);
    core::apply(state, core::DeliverableSealed{deliverable}, now);
    core::apply(state, core::RolloutRequested{.deliverable = deliverable.id, .children = {}, .approved = true}, now);
  }
  return state;
}

/// The median of an event of a child in an update: its inspection is believed, its line goes and comes.
double seconds_per_turn(std::size_t children) {
  Random random(1);
  Faults faults = short_life();
  const Population people = populate(children, faults, random);
  const Instant now{std::chrono::hours{24 * 365 * 56}};
  const double begin = processor_seconds();
  core::State state = enrolled(people, now);
  std::cout << children << " children enrolled in " << (processor_seconds() - begin) << " s\n";
  std::vector<double> times;
  for (int i = 0; i < 3000; ++i) {
    const core::ChildId& id = people.enrollments[random.below(children)].id;
    const core::Inspection seen = people.children.at(id).listing();
    core::apply(state, core::LinkChanged{id, true, {}}, now);
    const core::StepNumber number = state.children.at(id).step_number;
    const double start = processor_seconds();
    core::apply(state, core::StepEnded{id, number, seen}, now);
    core::apply(state, core::LinkChanged{id, false, {}}, now);
    core::apply(state, core::LinkChanged{id, true, {}}, now);
    times.push_back((processor_seconds() - start) / 3);
  }
  std::ranges::nth_element(times, times.begin() + 1500);
  std::cout << children << " children: a turn takes " << 1e6 * times[1500] << " us\n";
  return times[1500];
}

/// The exponent with which the time for a whole fleet grows with its children.
double exponent_of(double many, double few) {
  return 1 + std::log10(many / few);
}

int measure() {
  constexpr double kMostExponent = 1.1;
  constexpr double kMostRatio = 1.5;
  const double few = seconds_per_event(1, 1000);
  const double many = seconds_per_event(1, 10'000);
  const double side_by_side = seconds_per_event(10, 1000);
  const double exponent = exponent_of(many, side_by_side);
  const double ratio = seconds_per_turn(100'000) / seconds_per_turn(1000);
  std::cout << "exponent " << exponent << " against as many children in ten fleets (at most " << kMostExponent << "), "
            << exponent_of(many, few) << " against a tenth of the memory; a turn at 100,000 against 1,000: " << ratio
            << " (at most " << kMostRatio << ")\n";
  return exponent <= kMostExponent && ratio <= kMostRatio ? 0 : 1;
}

}  // namespace
}  // namespace hg::sim

int main() {
  return hg::sim::measure();
}
