// SPDX-License-Identifier: Apache-2.0
// Everything that headgate shows on the bus, kept in step with the state: which object there is, when a job comes,
// ends and goes, and the signals that follow. It owns no connection and decides about no call; the face does both.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "adapters/dbus/interfaces.hpp"

namespace hg::bus {

class ObjectTree {
 public:
  ObjectTree(const ports::Control& control, std::string version, Callee& callee);

  /// Shows the state as it is, silently when no bus is attached.
  void show_all(const core::State& state);

  /// From now on the objects are on this bus, which must outlive this or detach().
  Result<void> attach(sd_bus* bus);
  void detach();

  void show_changes(const core::State& state, std::span<const core::Change> changes,
                    std::span<const core::ChildId> touched);
  /// Looks at what nobody announces (cloud, cache, what has expired) and tells what differs.
  void show_manager(const std::string& trouble);
  /// Whether somebody was met or lost sight of since the manager was shown.
  [[nodiscard]] bool has_met_others(const core::State& state) const;
  /// Looks at how the children's radio links are, which nobody announces either.
  void show_radios();
  void show_progress(core::Epoch epoch, const ports::TransferProgress& transfer);
  /// Takes away the jobs that ended long enough ago. To be called every `period`.
  void age_jobs(Duration period);

  /// What a path stands for; nothing if there is no such object.
  [[nodiscard]] std::optional<core::DeliverableId> deliverable_at(const ObjectPath& path) const;
  [[nodiscard]] std::optional<core::ChildId> child_at(const ObjectPath& path) const;
  [[nodiscard]] std::optional<core::GroupId> group_at(const ObjectPath& path) const;
  [[nodiscard]] std::optional<core::RolloutId> rollout_at(const ObjectPath& path) const;
  [[nodiscard]] std::optional<core::Epoch> job_at(const ObjectPath& path) const;

 private:
  struct Job {
    core::Epoch epoch = 0;
    core::RolloutId rollout = 0;
    bool ended = false;
    Duration age{0};  // since the end
  };

  void show_child(const core::State& state, const core::ChildId& id);
  void show_group(const core::State& state, const core::GroupId& id);
  void show_rollout(const core::State& state, core::RolloutId id);
  void follow_job(const core::State& state, const core::Child& child);
  void end_job(const core::ChildId& child, Job& job, const std::string& result, const core::Cause& cause);
  void tell_completed(const ObjectPath& job, bool success, const core::Cause& cause);
  void tell_removed(const ObjectPath& job, const std::string& result, const Dictionary& details);

  const ports::Control& control_;
  std::string version_;
  Interfaces interfaces_;
  Collection<ManagerView> manager_;
  Collection<TrustView> trust_;
  Collection<ChildView> children_;
  Collection<GroupView> groups_;
  Collection<DeliverableView> deliverables_;
  Collection<RolloutView> rollouts_;
  Collection<JobView> jobs_;
  DeliverablePaths deliverable_paths_;
  std::map<core::GroupId, std::vector<core::ChildId>> members_;  // of the groups as shown
  std::map<core::ChildId, Job> job_of_child_;                    // the one shown last, which may have gone
  sd_bus* bus_ = nullptr;
  Slot object_manager_;
};

}  // namespace hg::bus
