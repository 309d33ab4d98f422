// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/group_requests.hpp"

#include <algorithm>
#include <array>

namespace hg::bus {
namespace {

Result<std::string> read_name(sd_bus_message* call, const char* what) {
  auto name = read_string(call);
  if (name && !is_name(name.value())) return Error{Errc::invalid, std::string{what} + ": no name"};
  return name;
}

Result<core::GroupId> group_called(sd_bus_message* call, const ObjectTree& tree) {
  auto group = tree.group_at(ObjectPath{sd_bus_message_get_path(call)});
  if (!group) return Error{Errc::not_found, "no such group"};
  return *std::move(group);
}

/// The replacement belongs to one way, and that way to a replacement.
Result<void> check_replacement(const core::SplitResolved& resolved) {
  if ((resolved.resolution == core::Resolution::replace) == resolved.replacement.empty())
    return Error{Errc::invalid, "\"replacement\" names the child for \"replace\", and goes with nothing else"};
  if (!resolved.replacement.empty() && !is_name(resolved.replacement))
    return Error{Errc::invalid, "option \"replacement\": no name"};
  return {};
}

}  // namespace

Result<Request> read_create_group(sd_bus_message* call, const ObjectTree& /*tree*/) {
  core::Group group;
  for (std::string* into : {&group.id, &group.layout}) {
    auto name = read_name(call, into == &group.id ? "group" : "layout");
    if (name.has_error()) return name.error();
    *into = std::move(name).value();
  }
  auto members = read_pairs(call, core::kMaxMembers);
  if (members.has_error()) return members.error();
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  if (members.value().empty()) return Error{Errc::invalid, "a group without members"};
  for (auto& [role, child] : members.value()) {
    if (!is_name(role) || !is_name(child)) return Error{Errc::invalid, "a role or child without a name"};
    group.members.push_back({std::move(role), std::move(child)});
  }
  return Request{CreateGroup{std::move(group)}};
}

Result<Request> read_dissolve_group(sd_bus_message* call, const ObjectTree& /*tree*/) {
  auto name = read_name(call, "group");
  if (name.has_error()) return name.error();
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  return Request{DissolveGroup{std::move(name).value()}};
}

Result<Request> read_repair(sd_bus_message* call, const ObjectTree& tree) {
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  auto group = group_called(call, tree);
  if (group.has_error()) return group.error();
  return Request{RepairGroup{std::move(group).value()}};
}

Result<Request> read_resolve(sd_bus_message* call, const ObjectTree& tree) {
  auto child = read_name(call, "child");
  if (child.has_error()) return child.error();
  const auto way = read_string(call);
  if (way.has_error()) return way.error();
  const auto resolution = core::resolution_from(way.value());
  if (!resolution) return Error{Errc::invalid, "not one of retry, drop, replace, accept"};
  constexpr std::array kOptions{KnownOption{"replacement", OptionType::text}};
  auto options = read_options(call, kOptions);
  if (options.has_error()) return options.error();
  auto group = group_called(call, tree);
  if (group.has_error()) return group.error();
  core::SplitResolved resolved{std::move(group).value(), std::move(child).value(), *resolution,
                               std::move(options->text["replacement"])};
  if (const auto checked = check_replacement(resolved); checked.has_error()) return checked.error();
  return Request{ResolveSplit{std::move(resolved)}};
}

}  // namespace hg::bus
