// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/object_tree.hpp"

#include <algorithm>
#include <variant>

#include "adapters/dbus/names.hpp"

namespace hg::bus {
namespace {

constexpr Duration kEndedJobStays = std::chrono::seconds{60};

// What a set of changes is about, each thing once.
struct Affected {
  std::set<core::ChildId> children;
  std::set<core::DeliverableId> deliverables;
  std::set<core::RolloutId> rollouts;
  std::set<core::GroupId> groups;

  void operator()(const core::PutChild& put) {
    children.insert(put.child.enrollment.id);
    if (put.child.update) rollouts.insert(put.child.update->rollout);
  }
  void operator()(const core::PutDeliverable& put) { deliverables.insert(put.deliverable.id); }
  void operator()(const core::PutRollout& put) { rollouts.insert(put.rollout.id); }
  void operator()(const core::DropRollout& drop) { rollouts.insert(drop.rollout); }
  void operator()(const core::PutGroup& put) { groups.insert(put.group.id); }
  void operator()(const core::DropGroup& drop) { groups.insert(drop.group); }
  template <class Other>  // has no object of its own
  void operator()(const Other&) {}
};

}  // namespace

ObjectTree::ObjectTree(const ports::Control& control, std::string version, Callee& callee)
    : control_(control),
      version_(std::move(version)),
      manager_(kManagerPath, interfaces_.manager, callee),
      trust_(kTrustPath, interfaces_.trust, callee),
      children_(kChildrenPath, interfaces_.child, callee),
      groups_(kGroupsPath, interfaces_.group, callee),
      deliverables_(kDeliverablesPath, interfaces_.deliverable, callee),
      rollouts_(kRolloutsPath, interfaces_.rollout, callee),
      jobs_(kJobsPath, interfaces_.job, callee) {}

void ObjectTree::show_all(const core::State& state) {
  for (const auto& [id, deliverable] : state.deliverables) {
    deliverables_.put(deliverable_paths_[id], view_of(deliverable, control_.urgency(deliverable)));
  }
  for (const auto& [id, child] : state.children) {
    if (child.update && core::is_over(*child.update)) {  // before we looked: it has no job
      job_of_child_[id] = {child.update->epoch, child.update->rollout, true, kEndedJobStays};
    }
    show_child(state, id);
  }
  for (const auto& [id, group] : state.groups) show_group(state, id);
  for (const auto& [id, rollout] : state.rollouts) show_rollout(state, id);
}

Result<void> ObjectTree::attach(sd_bus* bus) {
  sd_bus_slot* slot = nullptr;
  if (const int result = sd_bus_add_object_manager(bus, &slot, kRootPath); result < 0) {
    return from_errno(-result, "add object manager");
  }
  object_manager_.reset(slot);
  Result<void> attached = manager_.attach(bus);
  if (attached) attached = trust_.attach(bus);
  if (attached) attached = children_.attach(bus);
  if (attached) attached = groups_.attach(bus);
  if (attached) attached = deliverables_.attach(bus);
  if (attached) attached = rollouts_.attach(bus);
  if (attached) attached = jobs_.attach(bus);
  if (attached) bus_ = bus;
  return attached;
}

void ObjectTree::detach() {
  bus_ = nullptr;
  manager_.detach();
  trust_.detach();
  children_.detach();
  groups_.detach();
  deliverables_.detach();
  rollouts_.detach();
  jobs_.detach();
  object_manager_.reset();
}

void ObjectTree::show_changes(const core::State& state, std::span<const core::Change> changes,
                              std::span<const core::ChildId> touched) {
  Affected affected;
  for (const core::Change& change : changes) std::visit(affected, change);
  affected.children.insert(touched.begin(), touched.end());
  // Who comes into a group or leaves it shows that too.
  for (const core::GroupId& id : affected.groups) {
    if (const auto shown = members_.find(id); shown != members_.end())
      affected.children.insert(shown->second.begin(), shown->second.end());
    if (const auto group = state.groups.find(id); group != state.groups.end())
      for (const core::Member& member : group->second.members) affected.children.insert(member.child);
  }

  for (const core::DeliverableId& id : affected.deliverables) {
    const auto deliverable = state.deliverables.find(id);
    if (deliverable != state.deliverables.end()) {
      deliverables_.put(deliverable_paths_[id], view_of(deliverable->second, control_.urgency(deliverable->second)));
    } else {
      deliverables_.remove(deliverable_paths_[id]);
    }
  }
  for (const core::ChildId& id : affected.children) {
    // The rollout that its job belonged to may be losing it to another one.
    if (const auto job = job_of_child_.find(id); job != job_of_child_.end())
      affected.rollouts.insert(job->second.rollout);
    show_child(state, id);
    if (const auto child = state.children.find(id); child != state.children.end() && !child->second.group.empty())
      affected.groups.insert(child->second.group);
  }
  for (const core::GroupId& id : affected.groups) show_group(state, id);
  for (const core::RolloutId id : affected.rollouts) show_rollout(state, id);
}

void ObjectTree::show_manager(const std::string& trouble) {
  manager_.put(ObjectPath{kManagerPath}, view_of(control_, version_, trouble));
  trust_.put(ObjectPath{kTrustPath}, view_of(control_.state(), control_.trust()));
}

bool ObjectTree::has_met_others(const core::State& state) const {
  const ManagerView* shown = manager_.at(ObjectPath{kManagerPath});
  return shown != nullptr && shown->discovered_count != state.discovered.size();
}

void ObjectTree::show_radios() {
  for (const auto& [id, child] : control_.state().children) {
    const ObjectPath path = child_path(id);
    const ChildView* shown = children_.at(path);
    const auto radio = control_.radio(id);
    if (shown == nullptr || shown->shows(radio)) continue;
    ChildView view = *shown;
    view.show(radio);
    children_.put(path, std::move(view));
  }
}

void ObjectTree::show_progress(core::Epoch epoch, const ports::TransferProgress& transfer) {
  const ObjectPath path = job_path(epoch);
  const JobView* shown = jobs_.at(path);
  if (shown == nullptr) return;
  JobView view = *shown;
  view.show(transfer);
  jobs_.put(path, std::move(view));
}

void ObjectTree::age_jobs(Duration period) {
  for (auto& [child, job] : job_of_child_) {
    if (!job.ended || job.age >= kEndedJobStays) continue;
    job.age += period;
    if (job.age >= kEndedJobStays) jobs_.remove(job_path(job.epoch));
  }
}

std::optional<core::DeliverableId> ObjectTree::deliverable_at(const ObjectPath& path) const {
  const DeliverableView* view = deliverables_.at(path);
  return view == nullptr ? std::nullopt : std::optional{view->id};
}

std::optional<core::ChildId> ObjectTree::child_at(const ObjectPath& path) const {
  const ChildView* view = children_.at(path);
  return view == nullptr ? std::nullopt : std::optional{view->id};
}

std::optional<core::GroupId> ObjectTree::group_at(const ObjectPath& path) const {
  const GroupView* view = groups_.at(path);
  return view == nullptr ? std::nullopt : std::optional{view->name};
}

std::optional<core::RolloutId> ObjectTree::rollout_at(const ObjectPath& path) const {
  const RolloutView* view = rollouts_.at(path);
  return view == nullptr ? std::nullopt : std::optional{view->id};
}

std::optional<core::Epoch> ObjectTree::job_at(const ObjectPath& path) const {
  const JobView* view = jobs_.at(path);
  return view == nullptr ? std::nullopt : std::optional{view->id};
}

void ObjectTree::show_child(const core::State& state, const core::ChildId& id) {
  const auto child = state.children.find(id);
  if (child == state.children.end()) {
    children_.remove(child_path(id));
    jobs_.remove(job_path(job_of_child_[id].epoch));
    job_of_child_.erase(id);
    return;
  }
  follow_job(state, child->second);  // first, so that Child.Job never names an object that is not there yet
  ChildView view = view_of(child->second, state);
  view.show(control_.radio(id));
  children_.put(child_path(id), std::move(view));
}

void ObjectTree::show_group(const core::State& state, const core::GroupId& id) {
  const auto group = state.groups.find(id);
  if (group == state.groups.end()) {
    groups_.remove(group_path(id));
    members_.erase(id);
    return;
  }
  std::vector<core::ChildId>& members = members_[id];
  members.clear();
  for (const core::Member& member : group->second.members) members.push_back(member.child);
  groups_.put(group_path(id), view_of(group->second, state));
}

void ObjectTree::show_rollout(const core::State& state, core::RolloutId id) {
  const auto rollout = state.rollouts.find(id);
  if (rollout == state.rollouts.end()) {
    rollouts_.remove(rollout_path(id));
  } else {
    rollouts_.put(rollout_path(id), view_of(rollout->second, state, deliverable_paths_));
  }
}

void ObjectTree::follow_job(const core::State& state, const core::Child& child) {
  if (!child.update) return;
  const core::Update& update = *child.update;
  Job& job = job_of_child_[child.enrollment.id];
  if (job.epoch != update.epoch) {
    if (job.epoch != 0 && !job.ended) {
      end_job(child.enrollment.id, job, "superseded", {core::Reason::superseded, ""});
    }
    jobs_.remove(job_path(job.epoch));
    job = Job{.epoch = update.epoch, .rollout = update.rollout};
  }
  if (job.ended) return;

  JobView view = job_view_of(child, state);
  view.show(control_.progress(update.epoch));
  jobs_.put(job_path(update.epoch), std::move(view));
  if (core::is_over(update)) {
    end_job(child.enrollment.id, job, std::string{core::name_of(update.phase)}, update.cause);
  }
}

void ObjectTree::end_job(const core::ChildId& child, Job& job, const std::string& result, const core::Cause& cause) {
  job.ended = true;
  const ObjectPath path = job_path(job.epoch);
  const JobView* view = jobs_.at(path);
  if (bus_ == nullptr || view == nullptr) return;
  tell_completed(path, result == core::name_of(core::Phase::confirmed), cause);
  tell_removed(path, result,
               {{"Child", child_path(child)},
                {"Rollout", view->rollout},
                {"Reason", std::string{core::name_of(cause.reason)}},
                {"ReasonText", cause.text}});
}

void ObjectTree::tell_completed(const ObjectPath& job, bool success, const core::Cause& cause) {
  sd_bus_message* raw = nullptr;
  if (sd_bus_message_new_signal(bus_, &raw, job.text.c_str(), kJobInterface, "Completed") < 0) return;
  const Message signal{raw};
  if (append(raw, success) < 0 || append(raw, std::string{core::name_of(cause.reason)}) < 0) return;
  if (append(raw, cause.text) >= 0) sd_bus_send(bus_, raw, nullptr);
}

void ObjectTree::tell_removed(const ObjectPath& job, const std::string& result, const Dictionary& details) {
  sd_bus_message* raw = nullptr;
  if (sd_bus_message_new_signal(bus_, &raw, kManagerPath, kManagerInterface, "JobRemoved") < 0) return;
  const Message signal{raw};
  if (append(raw, job) < 0 || append(raw, result) < 0) return;
  if (append(raw, details) >= 0) sd_bus_send(bus_, raw, nullptr);
}

}  // namespace hg::bus
