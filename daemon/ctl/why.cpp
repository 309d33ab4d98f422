// SPDX-License-Identifier: Apache-2.0
#include "ctl/why.hpp"

#include <iostream>

#include "ctl/advice.hpp"
#include "ctl/snapshot.hpp"
#include "ctl/table.hpp"
#include "ctl/text.hpp"

namespace hg::ctl {
namespace json = boost::json;
namespace {

// What is said of a child or a group, as --json has it.
struct Explanation {
  const char* kind = "child";
  std::string name;
  std::string group;  // of a child
  std::string role;
  std::string failing_member;  // of a group
  std::string phase;
  std::string decision;
  std::string reason;
  std::string text;
  std::string until;
  std::string unit;  // what comes of the unit that it, or of those that its members report
  json::array waiting_for;
};

std::string advice_for(const Explanation& why) {
  if (why.phase == "split" && !(why.kind == std::string_view{"child"} && why.group.empty()))
    return "Once it can be reached it goes on by itself; else `headgatectl groups resolve " +
           (why.group.empty() ? why.name : why.group) + ' ' +
           (why.failing_member.empty() ? why.name : why.failing_member) + " retry|drop|replace|accept`.";
  if (why.phase == "mixed")
    return "Bring the member back to what the group has committed: `headgatectl groups repair " + why.name + "`.";
  if (why.reason == "none" && !why.unit.empty())
    return "See to the boards of that unit, or decide: `headgatectl groups resolve GROUP OLD replace --with NEW`, or "
           "`headgatectl groups dissolve GROUP`.";
  if (why.reason == "none" && !why.waiting_for.empty()) return "Wait, or see to the power and the links of those.";
  const std::string_view advice = advice_on(why.reason);
  if (advice.empty()) return "This headgatectl does not know that reason: it is older than headgated.";
  return std::string{advice};
}

const json::array& waiting_for(const json::object& group) {
  return list_in(group, "WaitingFor");
}

Explanation of_child(const Snapshot& snapshot, const json::object& child) {
  Explanation why{.name = text_in(child, "Id"),
                  .group = text_in(child, "Group"),
                  .role = text_in(child, "Role"),
                  .failing_member = {},
                  .phase = text_in(child, "Phase"),
                  .decision = text_in(child, "Decision"),
                  .reason = text_in(child, "Reason"),
                  .text = text_in(child, "ReasonText"),
                  .until = time_text(number_in(child, "Until")),
                  .unit = text_in(child, "UnitText"),
                  .waiting_for = {}};
  const auto group = snapshot.group_path(why.group);
  if (text_in(child, "Gate") != "none" && group) why.waiting_for = waiting_for(*snapshot.find(group.value(), kGroup));
  return why;
}

std::string units_of(const Snapshot& snapshot, const json::object& group) {
  std::string texts;
  for (const json::value& entry : list_in(group, "Members")) {
    const json::object* child = snapshot.find(text_in(entry.as_object(), "Child"), kChild);
    const std::string text = child == nullptr ? "" : text_in(*child, "UnitText");
    if (!text.empty()) texts += (texts.empty() ? "" : "; ") + text_in(*child, "Id") + ": " + text;
  }
  return texts;
}

Explanation of_group(const Snapshot& snapshot, const json::object& group) {
  return {.kind = "group",
          .name = text_in(group, "Name"),
          .group = {},
          .role = {},
          .failing_member = text_in(group, "FailingMember"),
          .phase = text_in(group, "Phase"),
          .decision = text_in(group, "Decision"),
          .reason = text_in(group, "Reason"),
          .text = text_in(group, "Text"),
          .until = time_text(number_in(group, "Until")),
          .unit = units_of(snapshot, group),
          .waiting_for = waiting_for(group)};
}

json::object to_json(const Explanation& why) {
  json::object shown{{"kind", why.kind},
                     {"name", why.name},
                     {"phase", why.phase},
                     {"decision", why.decision},
                     {"reason", why.reason},
                     {"text", why.text},
                     {"until", why.until.empty() ? json::value(nullptr) : json::value(why.until)},
                     {"unit", why.unit},
                     {"waiting_for", why.waiting_for},
                     {"advice", advice_for(why)}};
  if (why.kind == std::string_view{"group"}) {
    shown["failing_member"] = why.failing_member;
  } else {
    shown["group"] = why.group;
    shown["role"] = why.role;
  }
  return shown;
}

void print(const Explanation& why) {
  const bool is_group = why.kind == std::string_view{"group"};
  Facts facts;
  facts.add(is_group ? "Group" : "Child", why.name);
  if (!why.group.empty()) facts.add("Member of", why.group + " as " + why.role);
  facts.add("State", why.phase);
  if (!why.failing_member.empty()) facts.add("Because of", why.failing_member);
  facts.add("Reason", why.reason);
  facts.add("Text", why.text);
  facts.add("Until", why.until);
  if (!why.unit.empty()) facts.add("Unit", why.unit);
  facts.add("Waits for", texts_of(why.waiting_for));
  facts.add("What to do", advice_for(why));
  facts.print(std::cout);
}

}  // namespace

Result<ExitCode> explain(Session session, const std::string& name, bool is_group) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const Snapshot& snapshot = fetched.value();
  const auto child = snapshot.child_path(name);
  const auto group = snapshot.group_path(name);
  if (group.has_error() && is_group) return group.error();
  if (group.has_error() && child.has_error()) return Error{Errc::not_found, "no child or group \"" + clean(name) + '"'};
  const bool is_child = child && !is_group;
  const Explanation why = is_child ? of_child(snapshot, *snapshot.find(child.value(), kChild))
                                   : of_group(snapshot, *snapshot.find(group.value(), kGroup));
  if (session.json) {
    print_json(to_json(why));
  } else {
    print(why);
  }
  return ExitCode::ok;
}

}  // namespace hg::ctl
