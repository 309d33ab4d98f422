// SPDX-License-Identifier: Apache-2.0
#include "service/reporter.hpp"

#include <string>

namespace hg::service {

namespace {

ports::Level level_of(core::Phase phase) {
  switch (phase) {
    case core::Phase::split:
      return ports::Level::error;
    case core::Phase::refused:
    case core::Phase::deferred:
    case core::Phase::resting:
    case core::Phase::reverting:
    case core::Phase::reverted:
      return ports::Level::warning;
    case core::Phase::confirmed:
      return ports::Level::notice;
    default:
      return ports::Level::info;
  }
}

}  // namespace

void Reporter::changed(const core::State& state, std::span<const core::Change> changes,
                       std::span<const core::ChildId> touched) {
  for (const core::Change& change : changes) {
    if (const auto* line = std::get_if<core::PutHistory>(&change)) report(state, *line);
    if (const auto* put = std::get_if<core::PutDeliverable>(&change)) {
      const core::Deliverable& d = put->deliverable;
      journal_.write(ports::Level::notice, {{}, d.id, {}},
                     "deliverable " + d.product + " " + d.version + " sealed: sequence " + std::to_string(d.sequence) +
                         ", " + std::to_string(d.images.size()) + " image(s), signed by " + signers_of(d));
    }
  }
  for (const core::ChildId& id : touched) {
    const auto found = state.children.find(id);
    if (found == state.children.end()) continue;
    const bool online = found->second.online;
    const auto [known, is_new] = online_.try_emplace(id, false);
    if (known->second == online) continue;
    known->second = online;
    const std::string& why = found->second.link_text;
    journal_.write(ports::Level::info, {id, {}, {}},
                   "child " + id + (online ? ": link up" : ": link down") + (why.empty() ? "" : ": " + why));
  }
}

void Reporter::report(const core::State& state, const core::PutHistory& line) {
  std::string text = "child " + line.child + ": " + std::string(core::name_of(line.phase));
  if (const auto deliverable = state.deliverables.find(line.deliverable); deliverable != state.deliverables.end())
    text += " " + deliverable->second.product + " " + deliverable->second.version;
  if (line.cause.reason != core::Reason::none) text += ": " + std::string(core::name_of(line.cause.reason));
  if (!line.cause.text.empty()) text += ": " + line.cause.text;
  journal_.write(level_of(line.phase), {line.child, line.deliverable, std::to_string(line.epoch)}, text);
}

}  // namespace hg::service
