// SPDX-License-Identifier: Apache-2.0
#include "sim/fleet.hpp"

#include "sim/operator.hpp"
#include "sim/weather.hpp"

namespace hg::sim {

namespace {

/// Each rest is a day, and what has just failed for the fifth time may fail once more by what is left of the faults.
constexpr Duration kLongestEnd = std::chrono::hours{24 * 4};
constexpr Duration kBetweenLooks = std::chrono::minutes{10};

}  // namespace

Fleet::Fleet(std::size_t children, std::uint64_t seed, const Faults& faults, bool is_shown, const DaemonMaker& daemon)
    : faults_(faults),
      random_(seed),
      history_(is_shown),
      people_(populate(children, faults, random_)),
      invariants_(history_, people_.children),
      link_(time_, random_, history_, faults_, people_.children,
            [this](const Job& job, core::StepAnswer&& answer) { daemon_->answered(job, std::move(answer)); }),
      daemon_(daemon({time_, random_, history_, faults_, disk_, link_, invariants_})),
      weather_(std::make_unique<Weather>(*this)),
      operator_(std::make_unique<Operator>(*this)) {
  for (const core::Enrollment& enrollment : people_.enrollments)
    link_.windows[enrollment.id] = enrollment.patience.test_window;
}

void Fleet::start_daemon() {
  is_running_ = true;
  daemon_->start(people_);
}

Fleet::~Fleet() = default;

void Fleet::run() {
  begin();
  advance(faults_.until);
  end();
}

void Fleet::begin() {
  start_daemon();
  weather_->begin();
  operator_->begin();
}

void Fleet::advance(Duration to) {
  while (history_.violations() == 0 && time_.step(to)) {
  }
}

void Fleet::end() {
  if (history_.violations() > 0) return;
  heal();
  weather_->end();
  const Duration end = time_.elapsed() + kLongestEnd;
  std::string waiting = "not looked at";
  for (Duration look = time_.elapsed(); look < end && !waiting.empty(); look += kBetweenLooks) {
    while (time_.step(look))
      if (history_.violations() > 0) return;
    waiting = is_running_ ? invariants_.waiting(daemon_->state()) : "the daemon";
    if (waiting.empty()) waiting = daemon_->waiting();
  }
  if (!waiting.empty()) history_.wrong(time_.elapsed(), "fleet", "does not come to its end: " + waiting);
  invariants_.at_end(daemon_->state(), time_);
  if (faults_.must_confirm) invariants_.all_confirmed(daemon_->state());
  history_.add(time_.elapsed(), "fleet", "ends");
}

/// The faults stop; the dead stay dead.
void Fleet::heal() {
  is_healed_ = true;
  Faults none;
  none.until = faults_.until;
  none.must_confirm = faults_.must_confirm;
  faults_ = none;
  disk_.is_full = false;
}

}  // namespace hg::sim
