// SPDX-License-Identifier: Apache-2.0
#include "ctl/groups.hpp"

#include <iostream>
#include <utility>

#include "ctl/snapshot.hpp"
#include "ctl/table.hpp"
#include "ctl/text.hpp"
#include "ctl/writing.hpp"

namespace hg::ctl {
namespace json = boost::json;
namespace {

constexpr std::size_t kDigitsShown = 12;  // of a deliverable's id

std::string digits_in(const json::object& group, const char* name) {
  return text_in(group, name).substr(0, kDigitsShown);
}

// "other-member: ok-2: ...", empty for none.
std::string reason_of(const json::object& properties, const char* text_name) {
  const std::string reason = text_in(properties, "Reason");
  const std::string text = text_in(properties, text_name);
  if (reason.empty() || reason == "none") return text;
  return text.empty() ? reason : reason + ": " + text;
}

std::string because_of(const json::object& group) {
  const std::string member = text_in(group, "FailingMember");
  return (member.empty() ? "" : member + ": ") + reason_of(group, "Text");
}

void print_members(const Snapshot& snapshot, const json::object& group) {
  Table table({"ROLE", "CHILD", "ONLINE", "VERSION", "STATE", "REASON"});
  for (const json::value& entry : list_in(group, "Members")) {
    const json::object& member = entry.as_object();
    const json::object* child = snapshot.find(text_in(member, "Child"), kChild);
    const json::object unknown;
    const json::object& shown = child == nullptr ? unknown : *child;
    table.add({text_in(member, "Role"), text_in(member, "Id"), truth_in(shown, "Online") ? "yes" : "no",
               text_in(shown, "Version"), text_in(shown, "Phase"), reason_of(shown, "ReasonText")});
  }
  std::cout << '\n';
  table.print(std::cout);
}

Result<std::vector<std::pair<std::string, std::string>>> split_members(const std::vector<std::string>& members) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& member : members) {
    const auto sign = member.find('=');
    if (sign == std::string::npos || sign == 0 || sign + 1 == member.size())
      return Error{Errc::invalid, '"' + clean(member) + "\": must be ROLE=CHILD"};
    pairs.emplace_back(member.substr(0, sign), member.substr(sign + 1));
  }
  return pairs;
}

int append_group(sd_bus_message* call, const std::string& name, const std::string& layout,
                 const std::vector<std::pair<std::string, std::string>>& members) {
  int result = sd_bus_message_append(call, "ss", name.c_str(), layout.c_str());
  if (result >= 0) result = sd_bus_message_open_container(call, 'a', "(ss)");
  for (const auto& [role, child] : members)
    if (result >= 0) result = sd_bus_message_append(call, "(ss)", role.c_str(), child.c_str());
  if (result >= 0) result = sd_bus_message_close_container(call);
  return result < 0 ? result : sd_bus_message_append(call, "a{sv}", 0);
}

ExitCode say_done(Session session, const char* what, const std::string& name) {
  if (session.json) {
    print_json(json::object{{"group", name}, {"result", what}});
  } else {
    std::cout << "group " << clean(name) << ' ' << what << '\n';
  }
  return ExitCode::ok;
}

}  // namespace

Result<ExitCode> list_groups(Session session) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const auto paths = snapshot.paths(kGroup);
  if (session.json) {
    json::array shown;
    for (const std::string& path : paths) shown.push_back(snapshot.show(path, kGroup));
    print_json(shown);
    return ExitCode::ok;
  }
  Table table({"GROUP", "LAYOUT", "MEMBERS", "COMMITTED", "STATE", "WAITS FOR", "REASON"});
  for (const std::string& path : paths) {
    const json::object& group = *snapshot.find(path, kGroup);
    table.add({text_in(group, "Name"), text_in(group, "Layout"), std::to_string(list_in(group, "Members").size()),
               digits_in(group, "Committed"), text_in(group, "Phase"), texts_in(group, "WaitingFor"),
               because_of(group)});
  }
  table.print(std::cout);
  return ExitCode::ok;
}

Result<ExitCode> show_group(Session session, const std::string& name) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const auto path = snapshot.group_path(name);
  if (path.has_error()) return path.error();
  if (session.json) {
    print_json(snapshot.show(path.value(), kGroup));
    return ExitCode::ok;
  }
  const json::object& group = *snapshot.find(path.value(), kGroup);
  const json::value rollout = snapshot.name_of(text_in(group, "Rollout"));
  Facts facts;
  facts.add("Group", name + (truth_in(group, "Configured") ? ", of the configuration" : "") +
                         (truth_in(group, "Reported") ? ", the unit that its children report" : ""));
  facts.add("Layout", text_in(group, "Layout"));
  facts.add("Committed", text_in(group, "Committed"));
  facts.add("State", text_in(group, "Phase"));
  facts.add("Decision", text_in(group, "Decision"));
  facts.add("Deliverable", text_in(group, "Deliverable"));
  facts.add("Rollout", rollout.is_null() ? "" : json::serialize(rollout));
  facts.add("Reason", because_of(group));
  facts.add("Until", time_text(number_in(group, "Until")));
  facts.add("Waits for", texts_in(group, "WaitingFor"));
  facts.print(std::cout);
  print_members(snapshot, group);
  return ExitCode::ok;
}

Result<ExitCode> create_group(Session session, const std::string& name, const std::string& layout,
                              const std::vector<std::string>& members) {
  const auto pairs = split_members(members);
  if (pairs.has_error()) return pairs.error();
  const auto fill = [&](sd_bus_message* call) { return append_group(call, name, layout, pairs.value()); };
  const auto answer = session.client.call(kManagerPath, kManager, "CreateGroup", fill);
  if (answer.has_error()) return answer.error();
  return say_done(session, "created", name);
}

Result<ExitCode> dissolve_group(Session session, const std::string& name) {
  const auto fill = [&](sd_bus_message* call) { return sd_bus_message_append(call, "sa{sv}", name.c_str(), 0); };
  const auto answer = session.client.call(kManagerPath, kManager, "DissolveGroup", fill);
  if (answer.has_error()) return answer.error();
  return say_done(session, "dissolved", name);
}

Result<ExitCode> repair_group(Session session, const std::string& name, bool wait) {
  auto follower = Follower::begin(session.client);
  if (follower.has_error()) return follower.error();
  const auto path = follower.value().snapshot().group_path(name);
  if (path.has_error()) return path.error();
  const auto fill = [](sd_bus_message* call) { return sd_bus_message_append(call, "a{sv}", 0); };
  const auto answer = session.client.call(path.value(), kGroup, "Repair", fill);
  if (answer.has_error() && answer.error().code == Errc::exists) return nothing_to_do(answer.error());
  if (answer.has_error()) return answer.error();
  return say_started(session, follower.value(), std::string{answer.value().at(0).as_string()}, wait);
}

Result<ExitCode> resolve_group(Session session, const std::string& name, const Resolution& resolution) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const auto path = fetched.value().group_path(name);
  if (path.has_error()) return path.error();
  const bool is_replaced = !resolution.replacement.empty();
  const auto fill = [&](sd_bus_message* call) {
    const int result = sd_bus_message_append(call, "ss", resolution.child.c_str(), resolution.way.c_str());
    if (result < 0 || !is_replaced) return result < 0 ? result : sd_bus_message_append(call, "a{sv}", 0);
    return sd_bus_message_append(call, "a{sv}", 1, "replacement", "s", resolution.replacement.c_str());
  };
  const auto answer = session.client.call(path.value(), kGroup, "Resolve", fill);
  if (answer.has_error() && answer.error().code == Errc::exists && !is_replaced) return nothing_to_do(answer.error());
  if (answer.has_error()) return answer.error();
  return say_done(session, "resolved", name);
}

}  // namespace hg::ctl
