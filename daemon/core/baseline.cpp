// SPDX-License-Identifier: Apache-2.0
#include "core/baseline.hpp"

#include <algorithm>

#include "core/preflight.hpp"

namespace hg::core {

namespace {

bool is_in_update(const Child& child) {
  return child.update && !is_over(*child.update);
}

void record(const Deliverable& deliverable, std::uint32_t uid, Child& child, Instant now, Output& out) {
  std::uint64_t& floor = child.floors[deliverable.product];
  floor = std::max(floor, deliverable.sequence);
  child.committed = deliverable.id;
  out.changes.emplace_back(PutChild{child});
  out.changes.emplace_back(PutHistory{now,
                                      child.enrollment.id,
                                      0,
                                      deliverable.id,
                                      Phase::confirmed,
                                      {Reason::none, "uid " + std::to_string(uid) + " declared it the baseline"}});
}

bool has_all_committed(const State& state, const Group& group, const Deliverable& deliverable) {
  bool is_for_any = false;
  for (const Member& member : group.members) {
    const Child* child = find_child(state, member.child);
    if (child == nullptr) return false;
    if (fitting_images(deliverable, *child).empty()) continue;
    if (child->committed != deliverable.id) return false;
    is_for_any = true;
  }
  return is_for_any;
}

}  // namespace

void declare_baseline(State& state, const BaselineDeclared& event, Instant now, Output& out) {
  const auto found = state.deliverables.find(event.deliverable);
  if (found == state.deliverables.end()) {
    out.refusal = Error{Errc::not_found, "no deliverable " + event.deliverable};
    return;
  }
  const Deliverable& deliverable = found->second;
  for (auto& [id, child] : state.children)
    if (child.enrolled && child.committed.empty() && !is_in_update(child) && runs_all_of(deliverable, child))
      record(deliverable, event.uid, child, now, out);
  if (out.changes.empty()) {
    out.refusal = Error{Errc::mismatch, "no child that has committed nothing so far runs what it brings"};
    return;
  }
  for (auto& [id, group] : state.groups) {
    if (!group.committed.empty() || !has_all_committed(state, group, deliverable)) continue;
    group.committed = deliverable.id;
    out.changes.emplace_back(PutGroup{group});
  }
}

}  // namespace hg::core
