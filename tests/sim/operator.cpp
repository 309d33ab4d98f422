// SPDX-License-Identifier: Apache-2.0
#include "sim/operator.hpp"

#include <iterator>
#include <utility>
#include <vector>

namespace hg::sim {

void Operator::ask(core::Event event, const std::string& what) {
  fleet_.history_.add(fleet_.time_.elapsed(), "operator", what);
  if (fleet_.is_running_) fleet_.daemon_->post(std::move(event));
}

void Operator::often(Duration mean, const std::function<void()>& act) {
  if (mean <= Duration{0}) return;
  fleet_.time_.after(Duration{1} + fleet_.random_.between(Duration{0}, 2 * mean), [this, mean, act] {
    if (fleet_.is_healed_) return;
    if (fleet_.is_running_) act();
    often(mean, act);
  });
}

void Operator::begin() {
  const Faults& faults = fleet_.faults_;
  for (const std::string& product : products()) {
    newest_[product] = 1;
    const Duration each = faults.until / (faults.rollouts + 1);
    for (unsigned i = 0; i < faults.rollouts; ++i) {
      const Duration late = fleet_.random_.between(Duration{0}, faults.cloud_outage);
      fleet_.time_.after(each * i + fleet_.random_.between(Duration{0}, each / 2) + late,
                         [this, product] { roll_out(product); });
    }
  }
  often(faults.abort, [this] { abort_one(); });
  often(faults.rotation, [this] { rotate_one(); });
  often(faults.resolve, [this] { resolve_one(); });
  often(faults.regroup, [this] { regroup_one(); });
}

/// What cannot be taken while the daemon is dead comes when it is there again.
void Operator::roll_out(const std::string& product) {
  if (fleet_.is_healed_) return;
  if (!fleet_.is_running_) {
    fleet_.time_.after(std::chrono::seconds{5}, [this, product] { roll_out(product); });
    return;
  }
  const core::Deliverable deliverable = deliverable_of(product, ++newest_[product]);
  std::vector<core::ContentKey> keys;
  if (fleet_.daemon_->holds_keys()) keys = content_keys_of(deliverable);
  for (core::ContentKey& key : keys)
    if (fleet_.random_.is_lucky(fleet_.faults_.expiring))
      key.not_after = fleet_.time_.wall() + fleet_.random_.between(Duration{0}, std::chrono::hours{2});
  ask(core::DeliverableSealed{deliverable, std::move(keys)}, "brings " + deliverable.id);
  const bool is_forced = fleet_.faults_.forced > 0 && fleet_.random_.is_lucky(fleet_.faults_.forced);
  ask(core::RolloutRequested{.deliverable = deliverable.id, .children = {}, .approved = true, .forced = is_forced},
      (is_forced ? "forces " : "rolls out ") + deliverable.id);
}

void Operator::abort_one() {
  const core::State& state = fleet_.daemon_->state();
  const auto& people = fleet_.people_.enrollments;
  const auto child = state.children.find(people[fleet_.random_.below(people.size())].id);
  if (child == state.children.end() || !child->second.update) return;
  ask(core::UpdateAborted{child->second.update->epoch}, "aborts the update of " + child->first);
}

void Operator::rotate_one() {
  const auto& with_keys = fleet_.people_.with_keys;
  if (with_keys.empty() || !fleet_.daemon_->holds_keys()) return;
  const core::ChildId& child =
      *std::next(with_keys.begin(), static_cast<std::ptrdiff_t>(fleet_.random_.below(with_keys.size())));
  const core::KeyUse use = fleet_.random_.is_lucky(700) ? core::KeyUse::wrap : core::KeyUse::identify;
  ask(core::ChildKeySet{child, key_of(child, use, ++keys_)}, "gives a key to " + child);
}

void Operator::resolve_one() {
  for (const auto& [id, group] : fleet_.daemon_->state().groups) {
    for (const core::Member& member : group.members) {
      const auto child = fleet_.daemon_->state().children.find(member.child);
      if (child == fleet_.daemon_->state().children.end() || !child->second.update) continue;
      const core::Update& update = *child->second.update;
      if (update.phase != core::Phase::split || update.group != id) continue;
      const bool is_retry = fleet_.random_.is_lucky(700);
      const core::Resolution way = is_retry ? core::Resolution::retry : core::Resolution::accept;
      return ask(core::SplitResolved{.group = id, .child = member.child, .resolution = way},
                 (is_retry ? "tries again " : "accepts ") + member.child);
    }
  }
}

void Operator::regroup_one() {
  const auto& groups = fleet_.people_.groups;
  if (groups.empty()) return;
  const core::Group& group = groups[fleet_.random_.below(groups.size())];
  if (fleet_.random_.is_lucky(500)) return ask(core::RepairRequested{.group = group.id}, "repairs " + group.id);
  ask(core::GroupDissolved{group.id}, "dissolves " + group.id);
  ask(core::GroupFormed{group}, "forms " + group.id);
}

}  // namespace hg::sim
