// SPDX-License-Identifier: Apache-2.0
#include "ctl/writing.hpp"

#include <algorithm>
#include <iostream>

#include "ctl/monitor.hpp"
#include "ctl/text.hpp"

namespace hg::ctl {
namespace json = boost::json;
namespace {

constexpr std::chrono::hours kPause{1};

// What became of the fetch of `url`, as the gateway shows it now; nullptr if it does not.
const json::object* arrival_of(const Snapshot& snapshot, const std::string& url) {
  const json::object* manager = snapshot.find(kManagerPath, kManager);
  const json::value* arrivals = manager == nullptr ? nullptr : manager->if_contains("Arrivals");
  if (arrivals == nullptr || !arrivals->is_array()) return nullptr;
  for (const json::value& arrival : arrivals->as_array()) {  // newest first
    if (arrival.is_object() && text_in(arrival.as_object(), "Url") == url) return arrival.if_object();
  }
  return nullptr;
}

int append_rollout(sd_bus_message* call, const std::string& deliverable, const std::vector<std::string>& children,
                   bool approve) {
  int result = sd_bus_message_append(call, "o", deliverable.c_str());
  if (result >= 0) result = sd_bus_message_open_container(call, 'a', "o");
  for (const std::string& child : children) {
    if (result >= 0) result = sd_bus_message_append(call, "o", child.c_str());
  }
  if (result >= 0) result = sd_bus_message_close_container(call);
  if (result < 0) return result;
  return approve ? sd_bus_message_append(call, "a{sv}", 1, "approved", "b", 1)
                 : sd_bus_message_append(call, "a{sv}", 0);
}

// A method of a numbered object that takes no argument.
Result<ExitCode> call_numbered(Session session, const char* kind, const char* interface, const char* member,
                               std::uint64_t number) {
  const std::string path = std::string{kRootPath} + '/' + kind + "s/" + std::to_string(number);
  const auto fill = [](sd_bus_message* call) { return sd_bus_message_append(call, "a{sv}", 0); };
  const auto answer = session.client.call(path, interface, member, fill);
  if (!answer.has_error()) return ExitCode::ok;
  if (answer.error().code != Errc::not_found) return answer.error();
  return Error{Errc::not_found, std::string{"no "} + kind + ' ' + std::to_string(number)};
}

Result<ExitCode> await_arrival(Session session, Follower& follower, const std::string& url,
                               const std::optional<json::object>& before) {
  for (;;) {
    const json::object* arrival = arrival_of(follower.snapshot(), url);
    const std::string state = arrival == nullptr ? "" : text_in(*arrival, "State");
    const bool is_ours = arrival != nullptr && (!before || *arrival != *before);
    if (is_ours && state != "waiting" && state != "fetching") {
      const std::string text = clean(text_in(*arrival, "Text"));
      if (session.json) print_json(follower.snapshot().show(*arrival));
      if (state == "refused") return Error{Errc::io, "refused: " + text};
      if (!session.json) std::cout << state << ' ' << text << '\n';
      return state == "known" ? ExitCode::nothing_to_do : ExitCode::ok;
    }
    const auto signal = follower.next(std::chrono::steady_clock::now() + kPause);
    if (signal.has_error()) return signal.error();
  }
}

}  // namespace

Result<ExitCode> start_rollout(Session session, const std::string& deliverable,
                               const std::vector<std::string>& children, RolloutOptions options) {
  auto follower = Follower::begin(session.client);
  if (follower.has_error()) return follower.error();
  const Snapshot& snapshot = follower.value().snapshot();
  const auto path = snapshot.deliverable_path(deliverable);
  if (path.has_error()) return path.error();
  std::vector<std::string> child_paths;
  for (const std::string& child : children) {
    auto child_path = snapshot.child_path(child);
    if (child_path.has_error()) return child_path.error();
    child_paths.push_back(std::move(child_path).value());
  }

  const auto fill = [&](sd_bus_message* call) {
    return append_rollout(call, path.value(), child_paths, options.approve);
  };
  const auto answer = session.client.call(kManagerPath, kManager, "StartRollout", fill);
  if (answer.has_error()) {
    if (answer.error().code != Errc::mismatch || !children.empty()) return answer.error();
    std::cerr << "headgatectl: nothing to do: " << clean(answer.error().message) << '\n';
    return ExitCode::nothing_to_do;
  }
  const std::string rollout{answer.value().at(0).as_string()};
  const json::value number = snapshot.name_of(rollout);
  if (options.wait) {
    if (!session.json) std::cout << "rollout " << json::serialize(number) << std::endl;
    return await_rollout(session, follower.value(), rollout);
  }
  if (session.json) {
    print_json(json::object{{"rollout", number}});
  } else {
    std::cout << "rollout " << json::serialize(number) << '\n';
  }
  return ExitCode::ok;
}

Result<ExitCode> close_rollout(Session session, std::uint64_t number) {
  return call_numbered(session, "rollout", kRollout, "Close", number);
}

Result<ExitCode> cancel_job(Session session, std::uint64_t number) {
  return call_numbered(session, "job", kJob, "Cancel", number);
}

Result<ExitCode> fetch(Session session, const std::string& url, bool wait) {
  const auto fill = [&url](sd_bus_message* call) { return sd_bus_message_append(call, "sa{sv}", url.c_str(), 0); };
  if (!wait) {
    const auto answer = session.client.call(kManagerPath, kManager, "Fetch", fill);
    if (answer.has_error()) return answer.error();
    return ExitCode::ok;
  }
  auto follower = Follower::begin(session.client);
  if (follower.has_error()) return follower.error();
  const json::object* shown = arrival_of(follower.value().snapshot(), url);
  const std::optional<json::object> before = shown == nullptr ? std::nullopt : std::optional{*shown};
  const auto answer = session.client.call(kManagerPath, kManager, "Fetch", fill);
  if (answer.has_error()) return answer.error();
  return await_arrival(session, follower.value(), url, before);
}

}  // namespace hg::ctl
