// SPDX-License-Identifier: Apache-2.0
#include "app/grouping.hpp"

#include <algorithm>

#include "app/class_id.hpp"
#include "wire/frames.hpp"

namespace hg::app {

namespace {

constexpr std::string_view kNameForm = "has 1 to 64 of A-Z a-z 0-9 . _ -";

core::Role read_role(Section& section) {
  constexpr std::int64_t kLastOrder = 1000;
  core::Role role;
  role.name = section.text("name", "");
  if (!wire::is_name(role.name)) section.complain("name", "a role's name " + std::string(kNameForm));
  const ClassId id = read_class_id(section);
  role.vendor = id.vendor;
  role.device_class = id.device_class;
  role.count = static_cast<unsigned>(section.integer("count", 1, 1, static_cast<std::int64_t>(core::kMaxMembers)));
  role.order = static_cast<unsigned>(section.integer("order", 0, 0, kLastOrder));
  return role;
}

/// By the unit alone a child's vendor and class tell its role: in this layout, and in all others that are formed so.
void check_told_apart(Section& role, const core::Role& added, const std::vector<core::Role>& others,
                      const std::string& where) {
  const auto is_same = [&](const core::Role& other) {
    return other.vendor == added.vendor && other.device_class == added.device_class;
  };
  const auto other = std::ranges::find_if(others, is_same);
  if (other != others.end())
    role.complain("class", "role " + other->name + " of " + where +
                               " has the same vendor and class: children that are " +
                               "formed by unit could not be told apart");
}

bool read_form_by(Section& section) {
  const std::string form_by = section.text("form_by", "");
  if (section.has("form_by") && form_by != "unit") section.complain("form_by", "must be \"unit\"");
  return form_by == "unit";
}

core::Layout read_layout(const std::string& name, Section section, const std::vector<core::Layout>& others) {
  core::Layout layout{name, {}, read_form_by(section)};
  if (!wire::is_name(name)) section.complain("roles", "a layout's name " + std::string(kNameForm));
  std::size_t members = 0;
  for (Section& listed : section.list("roles")) {
    core::Role role = read_role(listed);
    const bool is_taken = std::ranges::find(layout.roles, role.name, &core::Role::name) != layout.roles.end();
    if (is_taken) listed.complain("name", "another role of this layout has it already");
    if (layout.is_formed_by_unit) {
      check_told_apart(listed, role, layout.roles, "this layout");
      for (const core::Layout& other : others)
        if (other.is_formed_by_unit) check_told_apart(listed, role, other.roles, "layout " + other.name);
    }
    members += role.count;
    layout.roles.push_back(std::move(role));
  }
  if (members == 0 || members > core::kMaxMembers)
    section.complain("roles", "must be a list of roles for 1 to " + std::to_string(core::kMaxMembers) + " children");
  return layout;
}

const core::Layout* layout_named(const std::vector<core::Layout>& layouts, const std::string& name) {
  const auto layout = std::ranges::find(layouts, name, &core::Layout::name);
  return layout == layouts.end() ? nullptr : &*layout;
}

/// A group that names no layout of the configuration has been complained of.
core::Group read_group(const std::string& name, Section section, const std::vector<core::Layout>& layouts) {
  core::Group group;
  group.id = name;
  group.is_configured = true;
  group.layout = section.text("layout", "");
  if (!wire::is_name(name)) section.complain("layout", "a group's name " + std::string(kNameForm));
  if (group.layout.empty())
    section.complain("layout", "must name a layout");
  else if (layout_named(layouts, group.layout) == nullptr)
    section.complain("layout", "there is no [layouts." + group.layout + "]");
  return group;
}

void check_role(Section& section, const core::Layout& layout, const std::string& name, const core::Enrollment& child) {
  const auto role = std::ranges::find(layout.roles, name, &core::Role::name);
  if (role == layout.roles.end())
    section.complain("role", "layout " + layout.name + " has no role " + name);
  else if (role->vendor != child.vendor || role->device_class != child.device_class)
    section.complain("role", "is for children of another vendor or class");
}

/// Makes a child a member of the group that it names, if it names one.
void join(const core::Enrollment& child, Section section, const std::vector<core::Layout>& layouts,
          std::vector<core::Group>& groups) {
  const std::string group_name = section.text("group", "");
  const std::string role = section.text("role", "");
  if (!section.has("group") && !section.has("role")) return;
  if (!section.has("role")) return section.complain("group", "a member of a group needs a role as well");
  if (!section.has("group")) return section.complain("role", "a role is one in a group, which is not named");
  const auto group = std::ranges::find(groups, group_name, &core::Group::id);
  if (group == groups.end()) return section.complain("group", "there is no [groups." + group_name + "]");
  const core::Layout* layout = layout_named(layouts, group->layout);
  if (layout != nullptr) check_role(section, *layout, role, child);
  group->members.push_back({role, child.id});
}

void check_whole(Section section, const core::Group& group, const std::vector<core::Layout>& layouts) {
  const core::Layout* layout = layout_named(layouts, group.layout);
  if (layout == nullptr) return;
  for (const core::Role& role : layout->roles) {
    const auto taken = std::ranges::count(group.members, role.name, &core::Member::role);
    if (taken != role.count)
      section.complain("layout", "wants " + std::to_string(role.count) + " in role " + role.name + ", " +
                                     std::to_string(taken) + " of the children are");
  }
}

}  // namespace

std::vector<core::Layout> read_layouts(Section section) {
  std::vector<core::Layout> layouts;
  for (const std::string& name : section.section_names())
    layouts.push_back(read_layout(name, section.section(name), layouts));
  return layouts;
}

std::vector<core::Group> read_groups(Section groups, Section children, const std::vector<core::Layout>& layouts,
                                     const std::vector<core::Enrollment>& enrolled) {
  std::vector<core::Group> read;
  for (const std::string& name : groups.section_names())
    read.push_back(read_group(name, groups.section(name), layouts));
  for (const core::Enrollment& child : enrolled) join(child, children.section(child.id), layouts, read);
  for (const core::Group& group : read) check_whole(groups.section(group.id), group, layouts);
  return read;
}

}  // namespace hg::app
