// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/paths.hpp"

#include <cstdlib>
#include <memory>

#include "adapters/dbus/names.hpp"

namespace hg::bus {
namespace {

constexpr std::size_t kDigitsInPath = 24;

ObjectPath named(const char* prefix, const std::string& name) {
  char* raw = nullptr;
  if (sd_bus_path_encode(prefix, name.c_str(), &raw) < 0) return {};
  const std::unique_ptr<char, decltype(&std::free)> encoded{raw, &std::free};
  return ObjectPath{encoded.get()};
}

ObjectPath numbered(const char* prefix, std::uint64_t number) {
  return ObjectPath{std::string{prefix}.append("/").append(std::to_string(number))};
}

}  // namespace

ObjectPath child_path(const core::ChildId& child) {
  return named(kChildrenPath, child);
}

ObjectPath group_path(const core::GroupId& group) {
  return named(kGroupsPath, group);
}

ObjectPath rollout_path(core::RolloutId rollout) {
  return numbered(kRolloutsPath, rollout);
}

ObjectPath job_path(core::Epoch epoch) {
  return numbered(kJobsPath, epoch);
}

ObjectPath DeliverablePaths::operator[](const core::DeliverableId& deliverable) {
  if (const auto known = by_id_.find(deliverable); known != by_id_.end()) return known->second;
  ObjectPath path;
  for (std::size_t digits = kDigitsInPath;; ++digits) {
    path.text = std::string{kDeliverablesPath}.append("/").append(deliverable.substr(0, digits));
    if (by_path_.emplace(path, deliverable).second || digits >= deliverable.size()) break;
  }
  by_id_.emplace(deliverable, path);
  return path;
}

}  // namespace hg::bus
