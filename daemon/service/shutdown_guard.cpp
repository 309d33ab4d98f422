// SPDX-License-Identifier: Apache-2.0
#include "service/shutdown_guard.hpp"

namespace hg::service {

namespace {

/// A child that the configuration no longer names is shown, but nothing is done for it: nobody need wait.
bool is_under_way(const core::Child& child) {
  return child.enrolled && child.update && core::is_past_activate(*child.update);
}

}  // namespace

void ShutdownGuard::changed(const core::State& state, std::span<const core::Change> changes,
                            std::span<const core::ChildId> touched) {
  const bool was_held = !under_way_.empty();
  for (const core::Change& change : changes)
    if (const auto* put = std::get_if<core::PutChild>(&change)) look_at(state, put->child.enrollment.id);
  for (const core::ChildId& id : touched) look_at(state, id);
  if (was_held == !under_way_.empty()) return;
  if (was_held)
    lock_.release();
  else
    lock_.hold();
}

void ShutdownGuard::look_at(const core::State& state, const core::ChildId& id) {
  const auto child = state.children.find(id);
  if (child != state.children.end() && is_under_way(child->second))
    under_way_.insert(id);
  else
    under_way_.erase(id);
}

}  // namespace hg::service
