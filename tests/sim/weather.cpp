// SPDX-License-Identifier: Apache-2.0
#include "sim/weather.hpp"

#include <algorithm>

namespace hg::sim {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

Duration Weather::a_while() const {
  return seconds{1} + fleet_.random_.between(Duration{0}, fleet_.faults_.lasts);
}

void Weather::often(Duration mean, const Strike& strike) {
  if (mean <= Duration{0}) return;
  const Duration pause = Duration{1} + fleet_.random_.between(Duration{0}, 2 * mean);
  fleet_.time_.after(pause, [this, mean, strike] {
    if (fleet_.is_healed_) return;
    strike();
    often(mean, strike);
  });
}

void Weather::often_each(Duration mean, const std::string& name, const StrikeChild& strike) {
  const auto count = static_cast<Duration::rep>(fleet_.people_.enrollments.size());
  if (mean <= Duration{0}) return;
  often(std::max(mean / count, Duration{1}), [this, name, strike] {
    const std::size_t lot = fleet_.random_.below(fleet_.people_.enrollments.size());
    const core::ChildId& id = fleet_.people_.enrollments[lot].id;
    SimChild& child = fleet_.people_.children.at(id);
    if (child.is_dead) return;
    fleet_.history_.add(fleet_.time_.elapsed(), id, "suffers " + name);
    strike(id, child);
  });
}

void Weather::set_line(const core::ChildId& id, bool is_up) {
  if (fleet_.people_.children.at(id).is_dead) is_up = false;
  if (fleet_.link_.is_up(id) == is_up) return;
  fleet_.link_.set_up(id, is_up);
  if (fleet_.is_running_) fleet_.daemon_->post(core::LinkChanged{id, is_up, is_up ? "" : "unplugged"});
}

void Weather::begin() {
  strike_children();
  strike_gateway();
  let_some_die();
}

void Weather::strike_children() {
  const Faults& faults = fleet_.faults_;
  Timeline& time = fleet_.time_;
  often_each(faults.power_cut, "a power cut", [this](const auto& id, SimChild&) { fleet_.link_.reset(id); });
  often_each(faults.flap, "a flap", [this](const auto& id, SimChild&) {
    set_line(id, false);
    fleet_.time_.after(a_while(), [this, id] { set_line(id, true); });
  });
  often_each(faults.silence, "silence",
             [this, &time](const auto&, SimChild& child) { child.silent_until = time.elapsed() + a_while(); });
  often_each(faults.recovery, "recovery", [this](const auto& id, SimChild& child) {
    child.is_held_in_recovery = true;
    fleet_.time_.after(a_while(), [this, id] {
      SimChild& one = fleet_.people_.children.at(id);
      one.is_held_in_recovery = false;
      if (one.is_in_recovery()) fleet_.link_.reset(id);
    });
  });
  often_each(faults.busy, "work",
             [this, &time](const auto&, SimChild& child) { child.busy_until = time.elapsed() + a_while(); });
  often_each(faults.refusal, "refusal", [this](const auto& id, SimChild& child) {
    (fleet_.random_.is_lucky(500) ? child.refuses_images : child.refuses_second_image) = true;
    fleet_.time_.after(a_while(), [this, id] {
      SimChild& one = fleet_.people_.children.at(id);
      one.refuses_images = one.refuses_second_image = false;
    });
  });
  often_each(faults.lie, "a lie", [](const auto&, SimChild& child) { child.lies = 1; });
  often_each(faults.foreign_mark, "a foreign mark", [](const auto&, SimChild& child) { child.mark_by_somebody(); });
}

void Weather::strike_gateway() {
  const Faults& faults = fleet_.faults_;
  often(faults.crash, [this] {
    if (!fleet_.is_running_) return;
    fleet_.daemon_->strike([this] {  // perhaps after the last fault: a commit in which it dies does not go on
      if (!fleet_.is_running_) return;
      fleet_.daemon_->die();
      fleet_.is_running_ = false;
      fleet_.time_.after(fleet_.random_.between(seconds{1}, seconds{30}), [this] { fleet_.start_daemon(); });
    });
  });
  often(faults.disk_full, [this] {
    fleet_.disk_.is_full = true;
    fleet_.history_.add(fleet_.time_.elapsed(), "disk", "is full");
    fleet_.time_.after(a_while(), [this] { fleet_.disk_.is_full = false; });
  });
  often(faults.clock_jump, [this] {
    const Duration by = fleet_.random_.between(minutes{0}, minutes{120}) - minutes{60};
    fleet_.history_.add(fleet_.time_.elapsed(), "clock", "is set by " + std::to_string(by.count()));
    fleet_.time_.set_wall(by);
  });
}

/// Half of them silently, half with their line.
void Weather::let_some_die() {
  for (const core::Enrollment& child : fleet_.people_.enrollments) {
    if (!fleet_.random_.is_lucky(fleet_.faults_.deaths)) continue;
    const Duration when = fleet_.random_.between(Duration{0}, fleet_.faults_.until);
    fleet_.time_.after(when, [this, id = child.id, is_unplugged = fleet_.random_.is_lucky(500)] {
      fleet_.history_.add(fleet_.time_.elapsed(), id, is_unplugged ? "dies, unplugged" : "dies");
      fleet_.people_.children.at(id).is_dead = true;
      if (is_unplugged) set_line(id, false);
    });
  }
}

void Weather::end() {
  std::vector<core::ChildId> names;
  for (const core::Enrollment& child : fleet_.people_.enrollments) names.push_back(child.id);
  std::ranges::sort(names);
  for (const core::ChildId& id : names) {
    SimChild& child = fleet_.people_.children.at(id);
    child.silent_until = Duration{0};
    child.busy_until = Duration{0};
    child.refuses_images = child.refuses_second_image = child.is_held_in_recovery = false;
    child.lies = 0;
    if (child.is_dead) continue;
    if (child.is_in_recovery()) fleet_.link_.reset(id);
    set_line(id, true);
  }
}

}  // namespace hg::sim
