// SPDX-License-Identifier: Apache-2.0
#include "ctl/writing.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <iostream>

#include "base/unique_fd.hpp"
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

int append_rollout_options(sd_bus_message* call, const RolloutOptions& options) {
  int result = sd_bus_message_open_container(call, 'a', "{sv}");
  if (result >= 0 && options.approve) result = sd_bus_message_append(call, "{sv}", "approved", "b", 1);
  if (result >= 0 && options.force) result = sd_bus_message_append(call, "{sv}", "forced", "b", 1);
  if (result >= 0 && !options.groups.empty()) {
    std::vector<char*> names;
    for (const std::string& name : options.groups) names.push_back(const_cast<char*>(name.c_str()));  // NOLINT: a strv
    names.push_back(nullptr);
    result = sd_bus_message_open_container(call, 'e', "sv");
    if (result >= 0) result = sd_bus_message_append(call, "s", "groups");
    if (result >= 0) result = sd_bus_message_open_container(call, 'v', "as");
    if (result >= 0) result = sd_bus_message_append_strv(call, names.data());
    if (result >= 0) result = sd_bus_message_close_container(call);
    if (result >= 0) result = sd_bus_message_close_container(call);
  }
  return result < 0 ? result : sd_bus_message_close_container(call);
}

int append_rollout(sd_bus_message* call, const std::string& deliverable, const std::vector<std::string>& children,
                   const RolloutOptions& options) {
  int result = sd_bus_message_append(call, "o", deliverable.c_str());
  if (result >= 0) result = sd_bus_message_open_container(call, 'a', "o");
  for (const std::string& child : children) {
    if (result >= 0) result = sd_bus_message_append(call, "o", child.c_str());
  }
  if (result >= 0) result = sd_bus_message_close_container(call);
  return result < 0 ? result : append_rollout_options(call, options);
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

// The arrival of `url` at its end, whatever that is.
Result<json::object> await_arrival(Follower& follower, const std::string& url,
                                   const std::optional<json::object>& before) {
  for (;;) {
    const json::object* arrival = arrival_of(follower.snapshot(), url);
    const std::string state = arrival == nullptr ? "" : text_in(*arrival, "State");
    const bool is_ours = arrival != nullptr && (!before || *arrival != *before);
    if (is_ours && state != "waiting" && state != "fetching") return *arrival;
    const auto signal = follower.next(std::chrono::steady_clock::now() + kPause);
    if (signal.has_error()) return signal.error();
  }
}

Error refusal_of(const json::object& arrival) {
  return {Errc::io, "refused: " + clean(text_in(arrival, "Text"))};
}

// Asks for something to come in; answers by what the arrivals call it.
using Ask = Result<std::string> (*)(Client& client, const std::string& source);

Result<std::string> ask_to_fetch(Client& client, const std::string& url) {
  const auto fill = [&url](sd_bus_message* call) { return sd_bus_message_append(call, "sa{sv}", url.c_str(), 0); };
  const auto answer = client.call(kManagerPath, kManager, "Fetch", fill);
  if (answer.has_error()) return answer.error();
  return url;
}

// The gateway reads the file itself; it is opened here because this user may.
Result<std::string> ask_to_import(Client& client, const std::string& path) {
  const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (!file) return from_errno(errno, path);
  const auto fill = [&file](sd_bus_message* call) { return sd_bus_message_append(call, "ha{sv}", file.get(), 0); };
  const auto answer = client.call(kManagerPath, kManager, "Import", fill);
  if (answer.has_error()) return answer.error().within(path);
  return std::string{answer.value().at(0).as_string()};
}

// Asks, and waits for what comes of it.
Result<json::object> bring_to_its_end(Session session, Follower& follower, Ask ask, const std::string& source) {
  const auto asked = ask(session.client, source);
  if (asked.has_error()) return asked.error();
  const json::object* shown = arrival_of(follower.snapshot(), asked.value());  // as it was before: no signal was read
  const std::optional<json::object> before = shown == nullptr ? std::nullopt : std::optional{*shown};
  return await_arrival(follower, asked.value(), before);
}

Result<ExitCode> bring_in(Session session, Ask ask, const std::string& source) {
  auto follower = Follower::begin(session.client);
  if (follower.has_error()) return follower.error();
  const auto arrival = bring_to_its_end(session, follower.value(), ask, source);
  if (arrival.has_error()) return arrival.error();
  const std::string state = text_in(arrival.value(), "State");
  if (session.json) print_json(follower.value().snapshot().show(arrival.value()));
  if (state == "refused") return refusal_of(arrival.value());
  if (!session.json) std::cout << state << ' ' << clean(text_in(arrival.value(), "Text")) << '\n';
  return state == "known" ? ExitCode::nothing_to_do : ExitCode::ok;
}

// The children that have committed the deliverable, by name.
json::array children_on(const Snapshot& snapshot, const std::string& deliverable) {
  json::array names;
  for (const std::string& path : snapshot.paths(kChild)) {
    const json::object& child = *snapshot.find(path, kChild);
    if (text_in(child, "Committed") == deliverable) names.emplace_back(text_in(child, "Id"));
  }
  return names;
}

Result<json::array> declare_baseline(Session session, const std::string& deliverable) {
  auto snapshot = Snapshot::fetch(session.client);
  if (snapshot.has_error()) return snapshot.error();
  const auto path = snapshot.value().deliverable_path(deliverable);
  if (path.has_error()) return path.error();
  const auto fill = [](sd_bus_message* call) { return sd_bus_message_append(call, "a{sv}", 0); };
  const auto answer = session.client.call(path.value(), kDeliverable, "DeclareBaseline", fill);
  if (answer.has_error()) return answer.error();
  snapshot = Snapshot::fetch(session.client);
  if (snapshot.has_error()) return snapshot.error();
  return children_on(snapshot.value(), deliverable);
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

  const auto fill = [&](sd_bus_message* call) { return append_rollout(call, path.value(), child_paths, options); };
  const auto answer = session.client.call(kManagerPath, kManager, "StartRollout", fill);
  if (answer.has_error()) {
    const bool is_for_all = children.empty() && options.groups.empty();
    if (answer.error().code != Errc::mismatch || !is_for_all) return answer.error();
    return nothing_to_do(answer.error());
  }
  return say_started(session, follower.value(), std::string{answer.value().at(0).as_string()}, options.wait);
}

Result<ExitCode> close_rollout(Session session, std::uint64_t number) {
  return call_numbered(session, "rollout", kRollout, "Close", number);
}

Result<ExitCode> cancel_job(Session session, std::uint64_t number) {
  return call_numbered(session, "job", kJob, "Cancel", number);
}

Result<ExitCode> fetch(Session session, const std::string& url, bool wait) {
  if (wait) return bring_in(session, ask_to_fetch, url);
  const auto asked = ask_to_fetch(session.client, url);
  if (asked.has_error()) return asked.error();
  return ExitCode::ok;
}

Result<ExitCode> import_deliverable(Session session, const std::string& source, bool is_baseline) {
  const bool is_url = source.find("://") != std::string::npos;
  const Ask ask = is_url ? ask_to_fetch : ask_to_import;
  if (!is_baseline) return bring_in(session, ask, source);
  auto follower = Follower::begin(session.client);
  if (follower.has_error()) return follower.error();
  const auto arrival = bring_to_its_end(session, follower.value(), ask, source);
  if (arrival.has_error()) return arrival.error();
  const std::string state = text_in(arrival.value(), "State");
  const std::string deliverable = text_in(arrival.value(), "Text");
  if (state == "refused") return refusal_of(arrival.value());
  if (state == "accepted") return Error{Errc::invalid, "it is a trust record, and no deliverable"};
  const auto children = declare_baseline(session, deliverable);
  if (children.has_error() && children.error().code == Errc::mismatch) return nothing_to_do(children.error());
  if (children.has_error()) return children.error();
  if (session.json) {
    print_json(json::object{{"deliverable", deliverable}, {"state", state}, {"children", children.value()}});
  } else {
    std::cout << state << ' ' << clean(deliverable) << "\nbaseline of " << clean(texts_of(children.value())) << '\n';
  }
  return ExitCode::ok;
}

Result<ExitCode> say_started(Session session, Follower& follower, const std::string& rollout, bool wait) {
  const json::value number = follower.snapshot().name_of(rollout);
  if (session.json && !wait) print_json(json::object{{"rollout", number}});
  if (!session.json) std::cout << "rollout " << json::serialize(number) << std::endl;
  return wait ? await_rollout(session, follower, rollout) : Result<ExitCode>{ExitCode::ok};
}

ExitCode nothing_to_do(const Error& error) {
  std::cerr << "headgatectl: nothing to do: " << clean(error.message) << '\n';
  return ExitCode::nothing_to_do;
}

}  // namespace hg::ctl
