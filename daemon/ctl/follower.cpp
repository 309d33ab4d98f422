// SPDX-License-Identifier: Apache-2.0
#include "ctl/follower.hpp"

#include <algorithm>

namespace hg::ctl {
namespace json = boost::json;
namespace {

std::string text_of(const json::value& value) {
  if (value.is_null()) return "?";
  return value.is_string() ? std::string{value.as_string()} : json::serialize(value);
}

const json::object* object_at(const json::array& arguments, std::size_t position) {
  return position < arguments.size() ? arguments[position].if_object() : nullptr;
}

std::string string_at(const json::array& arguments, std::size_t position) {
  const bool there = position < arguments.size() && arguments[position].is_string();
  return there ? std::string{arguments[position].as_string()} : std::string{};
}

// JobRemoved will say so, and why.
bool is_end(const std::string& state) {
  return state == "confirmed" || state == "refused" || state == "cancelled" || state == "split";
}

std::string line_of_end(const Ended& ended) {
  std::string line = ended.child + ": " + ended.result;
  if (ended.result == "confirmed") return line;
  for (const char* detail : {"Reason", "ReasonText"}) {
    const std::string text = text_in(ended.details, detail);
    if (!text.empty() && text != "none" && text != ended.result) line += ": " + text;
  }
  return line;
}

}  // namespace

Result<Follower> Follower::begin(Client& client) {
  if (const auto listening = client.listen(); listening.has_error()) return listening.error();
  auto snapshot = Snapshot::fetch(client);
  if (snapshot.has_error()) return snapshot.error();
  return Follower{client, std::move(snapshot).value()};
}

Result<std::optional<Signal>> Follower::next(SteadyTime until) {
  auto signal = client_->next_signal(until);
  if (signal && signal.value()) snapshot_.apply(*signal.value());
  return signal;
}

std::optional<Ended> Follower::ended(const Signal& signal) const {
  const json::object* details = object_at(signal.arguments, 2);
  if (signal.member != "JobRemoved" || details == nullptr) return std::nullopt;
  return Ended{string_at(signal.arguments, 0), text_of(snapshot_.name_of(text_in(*details, "Child"))),
               string_at(signal.arguments, 1), *details};
}

std::optional<std::string> Follower::line_of(const Signal& signal, bool with_progress) {
  if (const auto end = ended(signal)) {
    tenths_.erase(end->job);
    return line_of_end(*end);
  }
  if (signal.member == "PropertiesChanged") return line_of_change(signal, with_progress);
  const json::object* interfaces = object_at(signal.arguments, 1);
  if (signal.member != "InterfacesAdded" || interfaces == nullptr) return std::nullopt;
  const std::string path = string_at(signal.arguments, 0);
  const std::string name = text_of(snapshot_.name_of(path));
  if (interfaces->contains(kChild)) return name + ": enrolled";
  if (interfaces->contains(kGroup)) return "group " + name + ": made";
  if (interfaces->contains(kDeliverable)) return "deliverable " + name.substr(0, 12) + ": sealed";
  if (interfaces->contains(kRollout)) return "rollout " + name + ": started";
  if (const json::object* job = snapshot_.find(path, kJob)) return line_of_job(*job);
  return std::nullopt;
}

std::string Follower::line_of_job(const json::object& job) const {
  return text_of(snapshot_.name_of(text_in(job, "Object"))) + ": " + text_in(job, "State");
}

std::optional<std::string> Follower::line_of_change(const Signal& signal, bool with_progress) {
  const std::string interface = string_at(signal.arguments, 0);
  const json::object* changed = object_at(signal.arguments, 1);
  if (changed == nullptr) return std::nullopt;
  const std::string name = text_of(snapshot_.name_of(signal.path));
  if (interface == kGroup && changed->contains("Phase")) return "group " + name + ": " + text_in(*changed, "Phase");
  if (interface == kChild && changed->contains("Online")) {
    const json::object* child = snapshot_.find(signal.path, kChild);
    const std::string why = child == nullptr ? "" : text_in(*child, "LinkText");
    return name + (truth_in(*changed, "Online") ? ": online" : ": offline") + (why.empty() ? "" : ", " + why);
  }
  if (const json::object* job = snapshot_.find(signal.path, kJob); interface == kJob && job != nullptr) {
    if (changed->contains("State")) {
      if (is_end(text_in(*job, "State"))) return std::nullopt;
      return line_of_job(*job);
    }
    return with_progress ? line_of_progress(signal, *job) : std::nullopt;
  }
  if (interface == kRollout && text_in(*changed, "State") == "finished") return "rollout " + name + ": finished";
  if (interface == kManager && changed->contains("Trouble")) {
    const std::string trouble = text_in(*changed, "Trouble");
    return trouble.empty() ? "no more trouble" : "trouble: " + trouble;
  }
  if (interface == kManager && changed->contains("CloudConnected")) {
    return truth_in(*changed, "CloudConnected") ? "broker connected" : "broker not connected";
  }
  return std::nullopt;
}

std::optional<std::string> Follower::line_of_progress(const Signal& signal, const json::object& job) {
  const std::uint64_t total = number_in(job, "BytesTotal");
  if (!truth_in(job, "ProgressValid") || total == 0) return std::nullopt;
  const std::uint64_t tenths = number_in(job, "BytesDone") * 10 / total;
  if (const auto said = tenths_.find(signal.path); said != tenths_.end() && said->second == tenths) return std::nullopt;
  tenths_[signal.path] = tenths;
  return text_of(snapshot_.name_of(text_in(job, "Object"))) + ": " + progress_of(job);
}

std::vector<std::string> Follower::running_jobs() const {
  std::vector<std::string> jobs;
  for (const std::string& path : snapshot_.paths(kChild)) {
    std::string job = text_in(*snapshot_.find(path, kChild), "Job");
    if (job != "/") jobs.push_back(std::move(job));
  }
  return jobs;
}

std::vector<Bar> Follower::bars(const std::string& rollout) const {
  std::vector<Bar> bars;
  for (const std::string& path : running_jobs()) {
    const json::object* job = snapshot_.find(path, kJob);
    if (job == nullptr || (!rollout.empty() && text_in(*job, "Rollout") != rollout)) continue;
    const json::value* progress = job->if_contains("Progress");
    bars.push_back({text_of(snapshot_.name_of(text_in(*job, "Object"))), text_in(*job, "State"),
                    progress != nullptr && progress->is_double() ? progress->as_double() : 0,
                    truth_in(*job, "ProgressValid")});
  }
  return bars;
}

}  // namespace hg::ctl
