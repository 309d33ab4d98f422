// SPDX-License-Identifier: Apache-2.0
#include "ctl/reading.hpp"

#include <algorithm>
#include <iostream>
#include <limits>
#include <utility>

#include "ctl/enrollment.hpp"
#include "ctl/snapshot.hpp"
#include "ctl/table.hpp"
#include "ctl/text.hpp"

namespace hg::ctl {
namespace json = boost::json;
namespace {

constexpr std::size_t kDigitsShown = 12;  // of a deliverable's id
constexpr std::uint64_t kNotTold = std::numeric_limits<std::uint32_t>::max();

// In tables: a name or a number, empty for null.
std::string cell(const json::value& value) {
  if (value.is_null()) return {};
  return value.is_string() ? std::string{value.as_string()} : json::serialize(value);
}

std::string short_id(const Snapshot& snapshot, const std::string& path) {
  return cell(snapshot.name_of(path)).substr(0, kDigitsShown);
}

// The properties of a child's job; nullptr if there is none.
const json::object* job_of(const Snapshot& snapshot, const json::object& child) {
  return snapshot.find(text_in(child, "Job"), kJob);
}

std::string reason_of(const json::object& child) {
  const std::string reason = text_in(child, "Reason");
  const std::string text = text_in(child, "ReasonText");
  if (reason.empty() || reason == "none") return text;
  return text.empty() ? reason : reason + ": " + text;
}

// "1.1.0", or "app 1.1.0, radio 2.0.0" of a child with several targets.
std::string versions_of(const json::object& child) {
  const json::array& targets = list_in(child, "Targets");
  if (targets.size() < 2) return text_in(child, "Version");
  std::string versions;
  for (const json::value& target : targets) {
    const std::string version = text_in(target.as_object(), "Version");
    versions +=
        (versions.empty() ? "" : ", ") + text_in(target.as_object(), "Name") + ' ' + (version.empty() ? "?" : version);
  }
  return versions;
}

// As show(), with the progress of the child's job.
json::object child_json(const Snapshot& snapshot, const std::string& path) {
  json::object shown = snapshot.show(path, kChild);
  const json::object* job = job_of(snapshot, *snapshot.find(path, kChild));
  const bool valid = job != nullptr && truth_in(*job, "ProgressValid");
  shown["progress"] = valid ? job->at("Progress") : json::value(nullptr);
  return shown;
}

// Of one that nobody has enrolled.
json::object stranger_json(const Snapshot& snapshot, const json::object& stranger) {
  json::object shown = snapshot.show(stranger);
  shown["phase"] = "discovered";
  return shown;
}

template <class Show>
json::array json_list(const std::vector<std::string>& paths, Show show) {
  json::array list;
  for (const std::string& path : paths) list.push_back(show(path));
  return list;
}

void print_slots(const json::object& child) {
  const json::value* slots = child.if_contains("Slots");
  if (slots == nullptr || slots->as_array().empty()) return;
  Table table({"IMAGE", "SLOT", "VERSION", "FLAGS", "DIGEST"});
  for (const json::value& entry : slots->as_array()) {
    const json::object& slot = entry.as_object();
    std::string flags;
    for (const char* flag : {"Active", "Confirmed", "Pending", "Permanent", "Bootable"}) {
      if (truth_in(slot, flag)) flags += std::string{flags.empty() ? "" : " "} + flag;
    }
    std::ranges::transform(flags, flags.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    table.add({std::to_string(number_in(slot, "Image")), std::to_string(number_in(slot, "Slot")),
               text_in(slot, "Version"), flags, text_in(slot, "Digest").substr(0, kDigitsShown)});
  }
  std::cout << '\n';
  table.print(std::cout);
}

void print_targets(const json::object& child) {
  Table table({"TARGET", "IMAGE", "VERSION", "DIGEST"});
  for (const json::value& entry : list_in(child, "Targets")) {
    const json::object& target = entry.as_object();
    table.add({text_in(target, "Name"), std::to_string(number_in(target, "Image")), text_in(target, "Version"),
               text_in(target, "Digest").substr(0, kDigitsShown)});
  }
  std::cout << '\n';
  table.print(std::cout);
}

std::string staging_of(const json::object& child) {
  const std::string staging = text_in(child, "Staging");
  if (staging == "in-place") return "in-place: it is in its bootloader's recovery";
  const std::string obstacle = text_in(child, "Obstacle");
  return obstacle.empty() ? staging : staging + ": " + obstacle;
}

std::string power_of(const json::object& child) {
  const json::value* percent = child.if_contains("Battery");
  const std::uint64_t battery = percent == nullptr ? kNotTold : number_in(child, "Battery");
  const std::string power = text_in(child, "Power");
  if (battery == kNotTold) return power == "unknown" ? "" : power;
  return (power == "unknown" ? "" : power + ", ") + std::to_string(battery) + " %";
}

std::string busy_of(const json::object& child) {
  constexpr std::uint64_t kSecond = 1'000'000;
  if (!truth_in(child, "Busy")) return {};
  const std::uint64_t for_us = number_in(child, "BusyFor");
  return for_us == 0 ? "yes" : "yes, for " + std::to_string((for_us + kSecond - 1) / kSecond) + " s";
}

std::string unit_of(const json::object& child) {
  const std::string unit = text_in(child, "Unit");
  const std::string text = text_in(child, "UnitText");
  return unit + (unit.empty() || text.empty() ? "" : ": ") + text;
}

std::string backup_of(const json::object& child) {
  const std::string digest = text_in(child, "Backup").substr(0, kDigitsShown);
  if (digest.empty()) return {};
  return digest + (truth_in(child, "RestoreDue") ? ", to be written back" : ", saved");
}

// What only some children say: no line for what this one does not.
void add_what_it_tells(Facts& facts, const json::object& child) {
  const std::string identity = text_in(child, "Identity");
  const std::uint64_t boots = number_in(child, "Boots");
  const std::pair<const char*, std::string> told[] = {
      {"Identity", identity.empty() ? "" : text_in(child, "IdentityState") + ": " + identity},
      {"Power", power_of(child)},
      {"Busy", busy_of(child)},
      {"Starts", boots == 0 ? "" : std::to_string(boots)},
      {"Unit", unit_of(child)},
      {"Backup", backup_of(child)}};
  for (const auto& [name, value] : told)
    if (!value.empty()) facts.add(name, value);
}

// Of a member only: no line for a child alone.
void add_membership(Facts& facts, const json::object& child) {
  const std::string group = text_in(child, "Group");
  if (group.empty()) return;
  const std::string gate = text_in(child, "Gate");
  facts.add("Member of", group + " as " + text_in(child, "Role") + (gate == "none" ? "" : ", waits at gate " + gate));
}

void print_arrivals(const json::object& manager) {
  const json::value* arrivals = manager.if_contains("Arrivals");
  if (arrivals == nullptr || arrivals->as_array().empty()) return;
  Table table({"ARRIVAL", "SINCE", "STATE", "TEXT"});
  for (const json::value& entry : arrivals->as_array()) {
    const json::object& arrival = entry.as_object();
    std::string state = text_in(arrival, "State");
    if (const auto total = number_in(arrival, "BytesTotal"); state == "fetching" && total > 0) {
      state += ' ' + std::to_string(number_in(arrival, "BytesDone") * 100 / total) + " %";
    }
    table.add({text_in(arrival, "Url"), time_text(number_in(arrival, "Since")), state, text_in(arrival, "Text")});
  }
  std::cout << '\n';
  table.print(std::cout);
}

std::size_t online_children(const Snapshot& snapshot) {
  const auto paths = snapshot.paths(kChild);
  return static_cast<std::size_t>(std::ranges::count_if(
      paths, [&](const std::string& path) { return truth_in(*snapshot.find(path, kChild), "Online"); }));
}

std::size_t running_jobs(const Snapshot& snapshot) {
  const auto paths = snapshot.paths(kChild);
  return static_cast<std::size_t>(std::ranges::count_if(
      paths, [&](const std::string& path) { return text_in(*snapshot.find(path, kChild), "Job") != "/"; }));
}

}  // namespace

Result<ExitCode> show_status(Session session) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const json::object* manager = snapshot.find(kManagerPath, kManager);
  if (manager == nullptr) return Error{Errc::unavailable, "headgated is not running"};
  const auto children = snapshot.paths(kChild).size();
  const auto deliverables = snapshot.paths(kDeliverable).size();
  if (session.json) {
    json::object shown = snapshot.show(*manager);
    shown["children"] = children;
    shown["children_online"] = online_children(snapshot);
    shown["deliverables"] = deliverables;
    shown["jobs"] = running_jobs(snapshot);
    print_json(shown);
    return ExitCode::ok;
  }
  Facts facts;
  facts.add("headgated", text_in(*manager, "Version") + ", " + text_in(*manager, "State"));
  if (const std::string trouble = text_in(*manager, "Trouble"); !trouble.empty()) facts.add("Trouble", trouble);
  facts.add("Broker", truth_in(*manager, "CloudConnected") ? "connected" : "not connected");
  facts.add("Cache",
            size_text(number_in(*manager, "CacheUsed")) + " of " + size_text(number_in(*manager, "CacheLimit")));
  const std::uint64_t met = number_in(*manager, "DiscoveredCount");
  facts.add("Children", std::to_string(children) + ", " + std::to_string(online_children(snapshot)) + " online" +
                            (met == 0 ? "" : ", " + std::to_string(met) + " discovered"));
  facts.add("Deliverables", std::to_string(deliverables));
  facts.add("Jobs", std::to_string(running_jobs(snapshot)));
  facts.print(std::cout);
  print_arrivals(*manager);
  return ExitCode::ok;
}

Result<ExitCode> list_children(Session session) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const auto met = discovered(session.client);
  if (met.has_error()) return met.error();
  const auto paths = snapshot.paths(kChild);
  if (session.json) {
    json::array shown = json_list(paths, [&](const std::string& path) { return child_json(snapshot, path); });
    for (const json::value& stranger : met.value()) shown.push_back(stranger_json(snapshot, stranger.as_object()));
    print_json(shown);
    return ExitCode::ok;
  }
  Table table({"CHILD", "TRANSPORT", "ONLINE", "VERSION", "STATE", "PROGRESS", "REASON", "ENROLLED BY"});
  for (const std::string& path : paths) {
    const json::object& child = *snapshot.find(path, kChild);
    const json::object* job = job_of(snapshot, child);
    table.add({text_in(child, "Id"), text_in(child, "Transport"), truth_in(child, "Online") ? "yes" : "no",
               versions_of(child), text_in(child, "Phase"), job == nullptr ? "" : progress_of(*job), reason_of(child),
               enroller_of(child)});
  }
  for (const json::value& entry : met.value()) {
    const json::object& stranger = entry.as_object();
    table.add({text_in(stranger, "Id"), text_in(stranger, "Transport"), "yes", "", "discovered", "",
               text_in(stranger, "Text"), ""});
  }
  table.print(std::cout);
  return ExitCode::ok;
}

Result<ExitCode> show_child(Session session, const std::string& id) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const auto path = snapshot.child_path(id);
  if (path.has_error()) return path.error();
  if (session.json) {
    print_json(child_json(snapshot, path.value()));
    return ExitCode::ok;
  }
  const json::object& child = *snapshot.find(path.value(), kChild);
  Facts facts;
  for (const char* name : {"Id", "Transport", "Address", "Profile"}) facts.add(name, text_in(child, name));
  const std::string why = text_in(child, "LinkText");
  facts.add("Online", (truth_in(child, "Online") ? "yes" : "no") + (why.empty() ? "" : ", " + why));
  add_protection(facts, child);
  add_radio(facts, child);
  facts.add("Version", versions_of(child));
  const bool has_several = list_in(child, "Targets").size() > 1;
  const std::string evidence = text_in(child, "Evidence");
  if (evidence != "digest")
    facts.add("Told apart by", evidence);
  else if (!has_several)
    facts.add("Digest", text_in(child, "Digest"));
  facts.add("Last seen", time_text(number_in(child, "LastSeen")));
  facts.add("Bootloader", text_in(child, "Bootloader"));
  facts.add("New images", staging_of(child));
  facts.add("Way back",
            text_in(child, "RevertClass") + (truth_in(child, "ConfirmsItself") ? ", it confirms itself" : ""));
  add_what_it_tells(facts, child);
  add_membership(facts, child);
  facts.add("State", text_in(child, "Phase"));
  facts.add("Decision", text_in(child, "Decision"));
  facts.add("Reason", reason_of(child));
  facts.add("Failures", std::to_string(number_in(child, "Attempts")));
  facts.add("Until", time_text(number_in(child, "Until")));
  facts.add("Job", cell(snapshot.name_of(text_in(child, "Job"))));
  if (const json::object* job = job_of(snapshot, child)) facts.add("Progress", progress_of(*job));
  facts.print(std::cout);
  if (has_several) print_targets(child);
  print_slots(child);
  print_keys(child);
  return ExitCode::ok;
}

Result<ExitCode> show_history(Session session, const std::string& child, std::uint32_t count) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const auto path = fetched.value().child_path(child);
  if (path.has_error()) return path.error();
  const auto answer = session.client.call(path.value(), kChild, "GetHistory", [count](sd_bus_message* call) {
    return sd_bus_message_append(call, "u", count);
  });
  if (answer.has_error()) return answer.error();
  const json::array& lines = answer.value().at(0).as_array();
  if (session.json) {
    json::array shown;
    for (const json::value& line : lines) shown.push_back(fetched.value().show(line.as_object()));
    print_json(shown);
    return ExitCode::ok;
  }
  Table table({"TIME", "JOB", "DELIVERABLE", "STATE", "REASON"});
  for (const json::value& entry : lines) {
    const json::object& line = entry.as_object();
    table.add({time_text(number_in(line, "Time")), std::to_string(number_in(line, "Epoch")),
               text_in(line, "Deliverable").substr(0, kDigitsShown), text_in(line, "Phase"), reason_of(line)});
  }
  table.print(std::cout);
  return ExitCode::ok;
}

Result<ExitCode> list_deliverables(Session session) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const auto paths = snapshot.paths(kDeliverable);
  if (session.json) {
    print_json(json_list(paths, [&](const std::string& path) { return snapshot.show(path, kDeliverable); }));
    return ExitCode::ok;
  }
  Table table({"DELIVERABLE", "PRODUCT", "VERSION", "SEQUENCE", "URGENCY", "SIZE", "SIGNER", "SEALED"});
  for (const std::string& path : paths) {
    const json::object& deliverable = *snapshot.find(path, kDeliverable);
    table.add({short_id(snapshot, path), text_in(deliverable, "Product"), text_in(deliverable, "Version"),
               std::to_string(number_in(deliverable, "Sequence")), text_in(deliverable, "Urgency"),
               size_text(number_in(deliverable, "Size")), text_in(deliverable, "Signer"),
               time_text(number_in(deliverable, "SealedAt"))});
  }
  table.print(std::cout);
  return ExitCode::ok;
}

Result<ExitCode> show_deliverable(Session session, const std::string& prefix) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const auto path = snapshot.deliverable_path(prefix);
  if (path.has_error()) return path.error();
  if (session.json) {
    print_json(snapshot.show(path.value(), kDeliverable));
    return ExitCode::ok;
  }
  const json::object& deliverable = *snapshot.find(path.value(), kDeliverable);
  Facts facts;
  for (const char* name : {"Id", "Product", "Version"}) facts.add(name, text_in(deliverable, name));
  facts.add("Sequence", std::to_string(number_in(deliverable, "Sequence")));
  facts.add("Urgency", text_in(deliverable, "Urgency"));
  facts.add("Signer", text_in(deliverable, "Signer"));
  facts.add("Source", text_in(deliverable, "Source"));
  facts.add("Sealed", time_text(number_in(deliverable, "SealedAt")));
  facts.print(std::cout);
  Table table({"COMPONENT", "VERSION", "SIZE", "ENCRYPTED", "VENDOR", "CLASS", "DIGEST"});
  for (const json::value& entry : deliverable.at("Images").as_array()) {
    const json::object& image = entry.as_object();
    table.add({text_in(image, "Component"), text_in(image, "Version"), size_text(number_in(image, "Size")),
               truth_in(image, "Encrypted") ? "yes" : "no", text_in(image, "VendorId"), text_in(image, "ClassId"),
               text_in(image, "Digest").substr(0, kDigitsShown)});
  }
  std::cout << '\n';
  table.print(std::cout);
  return ExitCode::ok;
}

Result<ExitCode> list_rollouts(Session session) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const auto paths = snapshot.paths(kRollout);
  if (session.json) {
    print_json(json_list(paths, [&](const std::string& path) { return snapshot.show(path, kRollout); }));
    return ExitCode::ok;
  }
  Table table({"ROLLOUT", "DELIVERABLE", "STARTED", "BY", "STATE", "TOTAL", "CONFIRMED", "FAILED", "PENDING"});
  for (const std::string& path : paths) {
    const json::object& rollout = *snapshot.find(path, kRollout);
    std::vector<std::string> row{
        std::to_string(number_in(rollout, "Id")), short_id(snapshot, text_in(rollout, "Deliverable")),
        time_text(number_in(rollout, "StartTime")), "uid " + std::to_string(number_in(rollout, "StartedByUid")),
        text_in(rollout, "State")};
    for (const char* count : {"Total", "Confirmed", "Failed", "Pending"}) {
      row.push_back(std::to_string(number_in(rollout, count)));
    }
    table.add(row);
  }
  table.print(std::cout);
  return ExitCode::ok;
}

Result<ExitCode> show_rollout(Session session, std::uint64_t number) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const std::string path = std::string{kRootPath} + "/rollouts/" + std::to_string(number);
  const json::object* rollout = snapshot.find(path, kRollout);
  if (rollout == nullptr) return Error{Errc::not_found, "no rollout " + std::to_string(number)};
  if (session.json) {
    print_json(snapshot.show(*rollout));
    return ExitCode::ok;
  }
  Facts facts;
  facts.add("Rollout", std::to_string(number) + ", " + text_in(*rollout, "State"));
  facts.add("Deliverable", cell(snapshot.name_of(text_in(*rollout, "Deliverable"))));
  facts.add("Started", time_text(number_in(*rollout, "StartTime")) + " by uid " +
                           std::to_string(number_in(*rollout, "StartedByUid")));
  for (const char* count : {"Total", "Confirmed", "Failed", "Pending"}) {
    facts.add(count, std::to_string(number_in(*rollout, count)));
  }
  facts.print(std::cout);
  Table table({"CHILD", "VERSION", "STATE", "REASON"});
  for (const json::value& child_path : rollout->at("Children").as_array()) {
    const json::object* child = snapshot.find(std::string{child_path.as_string()}, kChild);
    if (child == nullptr) continue;
    table.add({text_in(*child, "Id"), versions_of(*child), text_in(*child, "Phase"), reason_of(*child)});
  }
  std::cout << '\n';
  table.print(std::cout);
  return ExitCode::ok;
}

Result<ExitCode> list_jobs(Session session) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const auto paths = snapshot.paths(kJob);
  if (session.json) {
    print_json(json_list(paths, [&](const std::string& path) { return snapshot.show(path, kJob); }));
    return ExitCode::ok;
  }
  Table table({"JOB", "CHILD", "ROLLOUT", "STATE", "PROGRESS", "STARTED", "CANCELABLE"});
  for (const std::string& path : paths) {
    const json::object& job = *snapshot.find(path, kJob);
    table.add({std::to_string(number_in(job, "Id")), cell(snapshot.name_of(text_in(job, "Object"))),
               cell(snapshot.name_of(text_in(job, "Rollout"))), text_in(job, "State"), progress_of(job),
               time_text(number_in(job, "StartTime")), truth_in(job, "Cancelable") ? "yes" : "no"});
  }
  table.print(std::cout);
  return ExitCode::ok;
}

}  // namespace hg::ctl
