// SPDX-License-Identifier: Apache-2.0
// The methods of the bus, as two tables: reads, which are answered at once, and writes, each with the polkit action
// that guards it; a write is parsed completely before anybody is asked for a password. A method that stands in neither
// table cannot be carried out. The face goes by these tables.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "adapters/dbus/lent_file.hpp"
#include "adapters/dbus/object_tree.hpp"

namespace hg::bus {

struct StartRollout {
  core::DeliverableId deliverable;
  std::vector<core::ChildId> children;
  bool approved = false;  ///< by name: a channel head does not hold it
  bool forced = false;    ///< groups may end mixed
  std::vector<core::GroupId> groups{};
};
struct CloseRollout {
  core::RolloutId rollout = 0;
};
struct ImportRecord {
  Bytes record;
};
struct Fetch {
  std::string url;
};
struct Import {
  LentFile envelope;
};
struct CancelJob {
  core::Epoch epoch = 0;
};
struct CreateGroup {
  core::Group group;
};
struct DissolveGroup {
  core::GroupId group;
};
struct RepairGroup {
  core::GroupId group;
};
struct ResolveSplit {
  core::SplitResolved resolved;
};
struct DeclareBaseline {
  core::DeliverableId deliverable;
};
struct EnrollChild {
  core::Registration registration;
};
struct ForgetChild {
  core::ChildId child;
};
struct SetKey {
  core::ChildId child;
  core::KeyUse use = core::KeyUse::wrap;
  std::string name;
  LentFile file;  ///< nobody has looked into it
};
struct RevokeKey {
  core::ChildId child;
  core::KeyUse use = core::KeyUse::wrap;
};
struct ReplaceBoard {
  core::ChildId child;
};
using Request =
    std::variant<StartRollout, CloseRollout, ImportRecord, Fetch, Import, CancelJob, CreateGroup, DissolveGroup,
                 RepairGroup, ResolveSplit, DeclareBaseline, EnrollChild, ForgetChild, SetKey, RevokeKey, ReplaceBoard>;

struct WriteMethod {
  std::string_view interface;
  std::string_view member;
  const char* action;  ///< of polkit
  Result<Request> (*read)(sd_bus_message* call, const ObjectTree& tree);
};

struct ReadMethod {
  std::string_view interface;
  std::string_view member;
  Result<Message> (*answer)(sd_bus_message* call, const ObjectTree& tree, ports::Control& control);
};

/// The method that `call` names; nullptr if it is no write, or no read.
const WriteMethod* find_write(sd_bus_message* call);
const ReadMethod* find_read(sd_bus_message* call);

/// The polkit action that guards this request: the method's own, or a stronger one that an option asks for.
const char* action_for(const WriteMethod& method, const Request& request);

/// As the configuration wants the names of children and groups.
bool is_name(const std::string& text);

/// An empty reply to `call`, to be filled.
Result<Message> make_reply(sd_bus_message* call);

}  // namespace hg::bus
