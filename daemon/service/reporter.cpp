// SPDX-License-Identifier: Apache-2.0
#include "service/reporter.hpp"

#include <algorithm>
#include <string>

namespace hg::service {

namespace {

/// Who has enrolled it, which keys it has, that it was not it who answered: no update has a part in that.
bool is_about_child_itself(const core::PutHistory& line) {
  return line.epoch == 0;
}

ports::Level level_of(const core::PutHistory& line) {
  const core::Reason reason = line.cause.reason;
  const bool is_about_backup = reason == core::Reason::restore_failed || reason == core::Reason::backup_failed;
  if (is_about_backup) return ports::Level::warning;  // whatever became of the update
  if (is_about_child_itself(line)) {
    if (reason == core::Reason::none) return ports::Level::info;
    return reason == core::Reason::key_changed ? ports::Level::notice : ports::Level::warning;
  }
  switch (line.phase) {
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

std::string to_line(const core::Head& head) {
  return "head of channel " + head.channel + ": version " + std::to_string(head.version) +
         " accepted: " + std::to_string(head.entries.size()) + " product(s), expires " + to_text(head.expires);
}

std::string whom_text(const core::Permit& permit) {
  if (const auto* child = std::get_if<core::ChildId>(&permit.whom)) return "child " + *child;
  return "class " + to_hex(std::get<core::Uuid>(permit.whom));
}

std::string to_line(const core::Permit& permit) {
  std::string text = "permit " + permit.id + ": " + permit.product + " from " + std::to_string(permit.from) + " to " +
                     std::to_string(permit.to);
  if (permit.uses.empty())
    return text + " accepted for " + whom_text(permit) + ", until " + to_text(permit.not_after) + ", signed by " +
           permit.signers;
  const auto last = std::ranges::max_element(permit.uses, {}, [](const auto& use) { return use.second; });
  return text + " used by child " + last->first + " in update " + std::to_string(last->second);
}

/// What is worth a line beside the children's own history; empty: nothing.
struct LineOf {
  std::string operator()(const core::PutDeliverable& put) const {
    const core::Deliverable& d = put.deliverable;
    return "deliverable " + d.product + " " + d.version + " sealed: sequence " + std::to_string(d.sequence) + ", " +
           std::to_string(d.images.size()) + " image(s), signed by " + signers_of(d);
  }
  std::string operator()(const core::PutHead& put) const { return to_line(put.head); }
  std::string operator()(const core::PutPermit& put) const { return to_line(put.permit); }
  std::string operator()(const core::DropPermit& drop) const { return "permit " + drop.permit + " expired: forgotten"; }
  std::string operator()(const core::PutGrant& put) const {
    return "grant for image " + put.grant.image.hex() + " accepted, until " + to_text(put.grant.not_after);
  }
  std::string operator()(const core::PutGatewayFloor& put) const {
    return "no child goes below sequence " + std::to_string(put.sequence) + " of " + put.product +
           " without a permit from now on";
  }
  template <class Other>  // has no line, or one of its own elsewhere: the root's is the root keeper's
  std::string operator()(const Other&) const {
    return {};
  }
};

}  // namespace

void Reporter::changed(const core::State& state, std::span<const core::Change> changes,
                       std::span<const core::ChildId> touched) {
  for (const core::Change& change : changes) {
    if (const auto* line = std::get_if<core::PutHistory>(&change)) report(state, *line);
    const auto* sealed = std::get_if<core::PutDeliverable>(&change);
    const ports::About about{{}, sealed == nullptr ? std::string_view() : sealed->deliverable.id, {}};
    if (const std::string line = std::visit(LineOf{}, change); !line.empty())
      journal_.write(ports::Level::notice, about, line);
  }
  for (const core::ChildId& id : touched) {
    const auto found = state.children.find(id);
    if (found != state.children.end()) report_link(found->second);
  }
}

void Reporter::report_link(const core::Child& child) {
  const core::ChildId& id = child.enrollment.id;
  const auto [known, is_new] = online_.try_emplace(id, false);
  if (known->second == child.online) return;
  known->second = child.online;
  const std::string& why = child.link_text;
  journal_.write(ports::Level::info, {id, {}, {}},
                 "child " + id + (child.online ? ": link up" : ": link down") + (why.empty() ? "" : ": " + why));
}

void Reporter::report(const core::State& state, const core::PutHistory& line) {
  std::string text = "child " + line.child;
  if (!is_about_child_itself(line)) text += ": " + std::string(core::name_of(line.phase));
  if (const auto deliverable = state.deliverables.find(line.deliverable); deliverable != state.deliverables.end())
    text += " " + deliverable->second.product + " " + deliverable->second.version;
  if (line.cause.reason != core::Reason::none) text += ": " + std::string(core::name_of(line.cause.reason));
  if (!line.cause.text.empty()) text += ": " + line.cause.text;
  journal_.write(level_of(line), {line.child, line.deliverable, std::to_string(line.epoch)}, text);
}

}  // namespace hg::service
