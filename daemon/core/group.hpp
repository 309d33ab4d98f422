// SPDX-License-Identifier: Apache-2.0
// Children that are updated together or not at all: what a product is made of, and which children make up one of it.
// What a group's transaction has come to is in the updates of its members; core/transaction moves them together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/names.hpp"

namespace hg::core {

inline constexpr std::size_t kMaxMembers = 64;  ///< of one group

/// A place in a product that a child takes.
struct Role {
  std::string name;  ///< tells two members of one class apart; images for it are called "role/target"
  Uuid vendor{};
  Uuid device_class{};
  unsigned count = 1;
  unsigned order = 0;  ///< lower ones are activated first, equal ones side by side

  friend bool operator==(const Role&, const Role&) = default;
};

/// What a product is made of. From the configuration at every start; not persisted.
struct Layout {
  std::string name;
  std::vector<Role> roles;         ///< names are unique
  bool is_formed_by_unit = false;  ///< children that report the same unit make up a group; then vendors and classes of
                                   ///< the roles are unique, also among the other such layouts

  friend bool operator==(const Layout&, const Layout&) = default;
};

struct Member {
  std::string role;
  ChildId child;

  friend bool operator==(const Member&, const Member&) = default;
};

/// One product: children that are updated together or not at all. What its transaction has come to is in their updates.
struct Group {
  GroupId id;
  std::string layout;
  std::vector<Member> members;
  DeliverableId committed;     ///< what all of them confirmed last: the one that a replaced member is brought to
  bool is_configured = false;  ///< the configuration names it, not an operator
  bool is_reported = false;    ///< its members do: it has the name of the unit that they report (core/units)

  friend bool operator==(const Group&, const Group&) = default;
};

/// Where a member waits until the others have come so far.
enum class Gate : std::uint8_t {
  none,
  preflight,  ///< nothing stands against it
  staged,     ///< the image is there, or there is none to bring, and the child is as it was
  healthy,    ///< it runs the new image, and well
};

}  // namespace hg::core
