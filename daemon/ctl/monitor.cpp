// SPDX-License-Identifier: Apache-2.0
#include "ctl/monitor.hpp"

#include <algorithm>
#include <array>

namespace hg::ctl {
namespace json = boost::json;
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kLook{3600};  // nothing to draw: wait for signals only

using Kind = std::pair<const char*, const char*>;
constexpr std::array kKinds{Kind{kManager, "gateway"},         Kind{kChild, "child"},     Kind{kGroup, "group"},
                            Kind{kDeliverable, "deliverable"}, Kind{kRollout, "rollout"}, Kind{kJob, "job"}};

// Redraws bars at most ten times a second.
class Drawing {
 public:
  explicit Drawing(Screen& screen) : screen_(screen) {}

  void changed() { stale_ = true; }
  void draw_if_due(const Follower& follower, const std::string& rollout) {
    const auto now = std::chrono::steady_clock::now();
    if (!screen_.has_bars() || !stale_ || now < next_) return;
    screen_.draw(follower.bars(rollout));
    stale_ = false;
    next_ = now + kRedraw;
  }
  [[nodiscard]] SteadyTime wake_at() const {
    return screen_.has_bars() && stale_ ? next_ : std::chrono::steady_clock::now() + kLook;
  }

 private:
  Screen& screen_;
  bool stale_ = true;
  SteadyTime next_{};
};

json::object event(const char* what, const char* kind, const json::value& id) {
  json::object object{{"event", what}, {"kind", kind}};
  if (!id.is_null()) object["id"] = id;
  return object;
}

// Whether a signal of the object manager or of properties is about this interface.
bool is_about(const Signal& signal, const char* interface) {
  const json::array& arguments = signal.arguments;
  if (arguments.size() < 2) return false;
  if (signal.member == "PropertiesChanged") return arguments[0] == interface;
  if (signal.member == "InterfacesAdded") return arguments[1].as_object().contains(interface);
  if (signal.member != "InterfacesRemoved") return false;
  const auto& names = arguments[1].as_array();
  return std::ranges::find(names, json::value(interface)) != names.end();
}

json::object end_event(const Ended& ended, const Snapshot& snapshot) {
  json::object end = event("job-ended", "job", snapshot.name_of(ended.job));
  end["result"] = ended.result;
  for (const auto& [name, value] : snapshot.show(ended.details)) end[name] = value;
  return end;
}

// One event for each interface of headgate that the signal is about.
std::vector<json::object> events_of(const Signal& signal, const Follower& follower) {
  const Snapshot& snapshot = follower.snapshot();
  if (const auto ended = follower.ended(signal)) return {end_event(*ended, snapshot)};
  std::vector<json::object> events;
  for (const auto& [interface, kind] : kKinds) {
    if (!is_about(signal, interface)) continue;
    const bool is_change = signal.member == "PropertiesChanged";
    const std::string path = is_change ? signal.path : std::string{signal.arguments[0].as_string()};
    const json::value id = interface == kManager ? json::value() : snapshot.name_of(path);
    if (is_change) {
      events.push_back(event("changed", kind, id));
      events.back()["properties"] = snapshot.show(signal.arguments[1].as_object());
    } else if (signal.member == "InterfacesAdded") {
      events.push_back(event("added", kind, id));
      events.back()["properties"] = snapshot.show(path, interface);
    } else {
      events.push_back(event("removed", kind, id));
    }
  }
  return events;
}

// What there is when monitoring begins.
void print_present(const Follower& follower) {
  for (const auto& [interface, kind] : kKinds) {
    for (const std::string& path : follower.snapshot().paths(interface)) {
      const json::value id = interface == kManager ? json::value() : follower.snapshot().name_of(path);
      json::object present = event("present", kind, id);
      present["properties"] = follower.snapshot().show(path, interface);
      print_json(present);
    }
  }
}

void say_present(const Follower& follower, Screen& screen) {
  for (const std::string& path : follower.running_jobs()) {
    const json::object* job = follower.snapshot().find(path, kJob);
    if (job != nullptr) screen.say(follower.line_of_job(*job));
  }
}

}  // namespace

Result<ExitCode> monitor(Session session, bool until_idle) {
  auto begun = Follower::begin(session.client);
  if (begun.has_error()) return begun.error();
  Follower& follower = begun.value();
  Screen screen(stdout);
  Drawing drawing(screen);
  ExitCode code = ExitCode::ok;
  if (session.json) {
    print_present(follower);
  } else if (!screen.has_bars()) {
    say_present(follower, screen);
  }
  while (!until_idle || !follower.running_jobs().empty()) {
    if (!session.json) drawing.draw_if_due(follower, {});
    const auto signal = follower.next(drawing.wake_at());
    if (signal.has_error()) return signal.error();
    if (!signal.value()) continue;
    drawing.changed();
    const auto end = follower.ended(*signal.value());
    if (end && end->result != "confirmed") code = ExitCode::some_children_failed;
    if (session.json) {
      for (const json::object& one : events_of(*signal.value(), follower)) print_json(one);
    } else if (const auto line = follower.line_of(*signal.value(), !screen.has_bars())) {
      screen.say(*line);
    }
  }
  return until_idle ? code : ExitCode::ok;
}

Result<ExitCode> await_rollout(Session session, Follower& follower, const std::string& rollout) {
  const json::object* object = nullptr;
  {
    Screen screen(stderr);
    Drawing drawing(screen);
    for (;;) {
      object = follower.snapshot().find(rollout, kRollout);
      if (object != nullptr && text_in(*object, "State") == "finished") break;
      drawing.draw_if_due(follower, rollout);
      const auto signal = follower.next(drawing.wake_at());
      if (signal.has_error()) return signal.error();
      if (!signal.value()) continue;
      drawing.changed();
      const auto end = follower.ended(*signal.value());
      if (!end || text_in(end->details, "Rollout") != rollout) continue;
      if (const auto line = follower.line_of(*signal.value(), false)) screen.say(*line);
    }
  }
  const std::uint64_t confirmed = number_in(*object, "Confirmed");
  const std::uint64_t total = number_in(*object, "Total");
  if (session.json) {
    print_json(follower.snapshot().show(*object));
  } else {
    std::printf("rollout %s: %llu of %llu confirmed\n", json::serialize(follower.snapshot().name_of(rollout)).c_str(),
                static_cast<unsigned long long>(confirmed), static_cast<unsigned long long>(total));
  }
  return confirmed == total ? ExitCode::ok : ExitCode::some_children_failed;
}

}  // namespace hg::ctl
