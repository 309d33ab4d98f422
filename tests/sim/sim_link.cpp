// SPDX-License-Identifier: Apache-2.0
#include "sim/sim_link.hpp"

#include <algorithm>
#include <utility>

namespace hg::sim {

namespace {

using std::chrono::seconds;

const core::StepFailed kNoAnswer{{Errc::timed_out, "no answer"}};
const core::StepFailed kNoLink{{Errc::unavailable, "the line is away"}};
constexpr Duration kPatience = seconds{10};       // for an answer
constexpr Duration kLongPatience = seconds{150};  // for one after a start

Digest running(const core::Inspection& seen, std::uint8_t image) {
  const core::Slot* active = seen.active(image);
  return active == nullptr ? Digest{} : active->digest;
}

enum class Effect : std::uint8_t { guard_failed, refused, done, reset };

/// Marks; the reset is the caller's.
Effect activate(SimChild& child, const std::vector<core::Move>& moves) {
  const core::Inspection before = child.listing();
  const auto is_done = [&](const core::Move& move) { return running(before, move.image) == move.goal; };
  const auto holds = [&](const core::Move& move) {
    return is_done(move) || running(before, move.image) == move.active;
  };
  if (std::ranges::all_of(moves, is_done)) return Effect::done;
  if (!std::ranges::all_of(moves, holds)) return Effect::guard_failed;
  for (const core::Move& move : moves) {
    if (is_done(move) || before.is_in_recovery() || before.anything_pending(move.image)) continue;
    if (!child.mark(move.image, move.goal)) return Effect::refused;
  }
  return Effect::reset;
}

Effect revert(SimChild& child, const std::vector<core::Move>& moves) {
  const core::Inspection before = child.listing();
  const auto holds = [&](const core::Move& move) { return running(before, move.image) == move.active; };
  const auto is_done = [&](const core::Move& move) {
    return running(before, move.image) == move.goal && !before.anything_pending(move.image);
  };
  if (!std::ranges::all_of(moves, holds)) return Effect::guard_failed;
  if (std::ranges::all_of(moves, is_done)) return Effect::done;
  for (const core::Move& move : moves)  // what has confirmed itself is marked to go back
    if (!is_done(move) && !before.anything_pending(move.image)) child.mark(move.image, move.goal);
  return Effect::reset;
}

Effect confirm(SimChild& child, const std::vector<core::Guard>& guards) {
  const core::Inspection before = child.listing();
  const auto holds = [&](const core::Guard& guard) { return running(before, guard.image) == guard.active; };
  if (!std::ranges::all_of(guards, holds)) return Effect::guard_failed;
  child.confirm();
  return Effect::done;
}

Effect take_effect(SimChild& child, const core::Step& step) {
  if (const auto* order = std::get_if<core::Activate>(&step)) return activate(child, order->moves);
  if (const auto* order = std::get_if<core::Revert>(&step)) return revert(child, order->moves);
  return confirm(child, std::get<core::Confirm>(step).guards);
}

/// A child that came back by an order of ours says that this is for good.
void settle_revert(SimChild& child, const core::Step& step) {
  const auto* order = std::get_if<core::Revert>(&step);
  if (order == nullptr) return;
  const core::Inspection after = child.listing();
  const auto is_back = [&](const core::Move& move) { return running(after, move.image) == move.goal; };
  if (std::ranges::all_of(order->moves, is_back)) child.confirm();
}

}  // namespace

bool is_order(const core::Step& step) {
  return std::holds_alternative<core::Activate>(step) || std::holds_alternative<core::Confirm>(step) ||
         std::holds_alternative<core::Revert>(step);
}

void SimLink::ask(Job job) {
  Line& line = lines_[job.child];
  line.queue.push_back(std::move(job));
  begin_next(line);
}

void SimLink::give_up(const core::ChildId& child) {
  lines_[child].forget_queued();
}

void SimLink::lose_daemon(bool is_queue_dropped) {
  if (!is_queue_dropped) return;
  for (Line& line : lines_) line.forget_queued();
}

bool SimLink::has_order(const core::ChildId& child) {
  return std::ranges::any_of(lines_[child].queue, [](const Job& job) { return is_order(job.step); });
}

void SimLink::begin_next(Line& line) {
  if (line.is_busy || line.queue.empty()) return;
  line.is_busy = true;
  const Duration usual = Duration{50 + static_cast<Duration::rep>(random_.below(200))};
  time_.after(usual + random_.between(Duration{0}, faults_.delay), [this, &line] { carry_out(line); });
}

void SimLink::carry_out(Line& line) {
  const Job& job = line.begun();
  if (const auto* order = std::get_if<core::Prepare>(&job.step)) return prepare(line, *order);
  if (!line.is_up) return answer(line, kNoLink);
  const bool is_lost = random_.is_lucky(faults_.lost_order);
  if (is_lost || child_at(line).is_silent(time_.elapsed())) {
    if (!std::holds_alternative<core::Inspect>(job.step) || is_lost) return stay_silent(line, kPatience);
    return answer_when_up(line, kPatience);
  }
  if (std::holds_alternative<core::Inspect>(job.step)) return answer(line, inspection_or_silence(line));
  if (const auto* step = std::get_if<core::Deliver>(&job.step)) return deliver(line, *step);
  if (is_order(job.step)) return order(line);
  if (std::holds_alternative<core::Offer>(job.step)) {
    const bool is_late = random_.is_lucky(faults_.late_offer);
    return answer(
        line, core::OfferAnswer{is_late ? core::Willing::later : core::Willing::yes, time_.wall() + seconds{30}, {}});
  }
  if (std::holds_alternative<core::Identify>(job.step)) return answer(line, core::Proven{job.child});
  if (std::holds_alternative<core::Backup>(job.step)) return answer(line, core::BackedUp{});
  answer(line, core::Restored{});
}

/// Nothing of it leaves the gateway.
void SimLink::prepare(Line& line, const core::Prepare& order) {
  if (random_.is_lucky(faults_.lost_answer)) return answer(line, core::StepFailed{{Errc::io, "cannot be read"}});
  const std::uint64_t lot = random_.below(1'000'000'000);
  Bytes wrap(order.sealing.size, static_cast<std::uint8_t>(lot));
  core::View view{order.child_key.id, order.child_key.id, {{order.sealing.offset, std::move(wrap)}}};
  answer(line, core::Prepared{std::move(view)});
}

core::StepAnswer SimLink::inspection_or_silence(const Line& line) {
  const SimChild& child = child_at(line);
  if (random_.is_lucky(faults_.lost_answer)) return kNoAnswer;
  core::Inspection seen = child.listing();
  seen.busy = time_.elapsed() < child.busy_until;
  if (seen.busy && child.tells_starts) seen.busy_for = seconds{20};
  return seen;
}

void SimLink::deliver(Line& line, const core::Deliver& step) {
  const SimChild& child = child_at(line);
  if (child.staging() != step.staging) return answer(line, core::GuardFailed{child.listing()});
  const Duration whole = seconds{2 + static_cast<Duration::rep>(random_.below(8))};
  time_.after(whole, [this, &line, starts = child.starts()] { end_delivery(line, starts); });
}

/// `starts`: of the child, when it began.
void SimLink::end_delivery(Line& line, std::uint64_t starts) {
  const auto& step = std::get<core::Deliver>(line.begun().step);
  SimChild& child = child_at(line);
  if (!line.is_up) return answer(line, kNoLink);
  if (child.is_silent(time_.elapsed()) || child.starts() != starts) return stay_silent(line, kPatience);
  child.stage(step.image_number, {"new", step.after});
  if (child.starts() != starts) watch_start(line.begun().child);
  if (random_.is_lucky(faults_.lost_answer)) return stay_silent(line, kPatience);
  answer(line, core::Delivered{});
}

/// Twice if it is duplicated, one after the other; what is lost after it has taken effect is not answered.
void SimLink::order(Line& line) {
  const Job& job = line.begun();
  SimChild& child = child_at(line);
  if (random_.is_lucky(faults_.refused_order))
    return answer(line, core::StepFailed{{Errc::denied, "the child does not do it"}});
  const Effect effect = take_effect(child, job.step);
  history_.add(time_.elapsed(), job.child,
               std::string("takes ").append(core::name_of(job.step)) + " " + std::to_string(static_cast<int>(effect)));
  switch (effect) {
    case Effect::guard_failed:
      return answer(line, core::GuardFailed{child.listing()});
    case Effect::refused:
      return answer(line, core::StepFailed{{Errc::denied, "the child does not mark it"}});
    case Effect::done:
      if (random_.is_lucky(faults_.duplicated)) (void)take_effect(child, job.step);
      if (random_.is_lucky(faults_.lost_answer)) return stay_silent(line, kPatience);
      return answer(line, core::Ordered{child.listing()});
    case Effect::reset:
      break;
  }
  // Between the mark and the reset the line may go.
  time_.after(Duration{100}, [this, &line] { start_anew(line); });
}

void SimLink::start_anew(Line& line) {
  const Job& job = line.begun();
  SimChild& child = child_at(line);
  if (!line.is_up || child.is_silent(time_.elapsed())) return answer(line, kNoLink);
  if (random_.is_lucky(faults_.lost_order)) return stay_silent(line, kPatience);
  reset(job.child);
  settle_revert(child, job.step);
  if (random_.is_lucky(faults_.duplicated) && take_effect(child, job.step) == Effect::reset) {
    reset(job.child);
    settle_revert(child, job.step);
  }
  answer_when_up(line, kLongPatience);
}

void SimLink::answer_when_up(Line& line, Duration patience) {
  const SimChild& child = child_at(line);
  const Duration wait = std::max(child.up_at, child.silent_until) - time_.elapsed();
  if (child.is_dead || wait > patience) return stay_silent(line, patience);
  time_.after(std::max(wait, Duration{0}), [this, &line] {
    const SimChild& one = child_at(line);
    if (!line.is_up) return answer(line, kNoLink);
    if (one.is_silent(time_.elapsed()) || random_.is_lucky(faults_.lost_answer)) return stay_silent(line, kPatience);
    if (is_order(line.begun().step)) return answer(line, core::Ordered{one.listing()});
    answer(line, inspection_or_silence(line));
  });
}

void SimLink::stay_silent(Line& line, Duration pause) {
  time_.after(pause, [this, &line] { answer(line, kNoAnswer); });
}

void SimLink::answer(Line& line, core::StepAnswer what) {
  const Job job = std::move(line.queue.front());
  line.queue.erase(line.queue.begin());
  line.is_busy = false;
  answered_(job, std::move(what));
  begin_next(line);
}

void SimLink::reset(const core::ChildId& id) {
  children_.at(id).reset();
  watch_start(id);
}

void SimLink::watch_start(const core::ChildId& id) {
  SimChild& child = children_.at(id);
  child.up_at = time_.elapsed() + seconds{3} + random_.between(Duration{0}, seconds{20});
  const Duration window = windows.at(id);
  if (window == Duration{0} || !child.is_under_test()) return;
  time_.after(window, [this, id, starts = child.starts()] {
    SimChild& one = children_.at(id);
    if (one.starts() == starts && !one.is_dead && one.is_under_test()) reset(id);
  });
}

}  // namespace hg::sim
