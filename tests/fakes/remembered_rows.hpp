// SPDX-License-Identifier: Apache-2.0
// What of a change is there after a start: the state that a disk keeps. For the fakes of a disk; that it is what SQLite
// keeps as well is held by the catalogue's contract, by way of MemoryCatalogue.
#pragma once

#include <utility>

#include "core/engine.hpp"

namespace hg::fakes {

struct RememberedRows {
  core::State& state;

  /// Only what is persisted: the rest comes back as after a start.
  void operator()(const core::PutChild& row) const {
    core::Child& kept = state.children[row.child.enrollment.id];
    kept.enrollment.id = row.child.enrollment.id;
    static_cast<core::Remembered&>(kept) = row.child;
  }
  void operator()(const core::PutDeliverable& row) const {
    state.deliverables.insert_or_assign(row.deliverable.id, row.deliverable);
  }
  void operator()(const core::PutRollout& row) const {
    state.rollouts.insert_or_assign(row.rollout.id, row.rollout);
    state.last_rollout = row.last_rollout;
    state.last_epoch = row.last_epoch;
  }
  void operator()(const core::DropRollout& row) const { state.rollouts.erase(row.rollout); }
  void operator()(const core::PutGroup& row) const { state.groups.insert_or_assign(row.group.id, row.group); }
  void operator()(const core::DropGroup& row) const { state.groups.erase(row.group); }
  void operator()(const core::PutAnnouncement& row) const { state.announced.insert_or_assign(row.url, row.at); }
  void operator()(const core::DropAnnouncement& row) const { state.announced.erase(row.url); }
  void operator()(const core::PutHead& row) const { state.heads.insert_or_assign(row.head.channel, row.head); }
  void operator()(const core::PutPermit& row) const { state.permits.insert_or_assign(row.permit.id, row.permit); }
  void operator()(const core::DropPermit& row) const { state.permits.erase(row.permit); }
  void operator()(const core::PutGrant& row) const { state.grants.insert_or_assign(row.grant.image, row.grant); }
  void operator()(const core::DropGrant& row) const { state.grants.erase(row.image); }
  void operator()(const core::PutEnrollmentList& row) const {
    state.enrollment_lists.insert_or_assign(row.name, row.version);
  }
  void operator()(const core::PutContentKey& row) const { state.content_keys.insert_or_assign(row.key.image, row.key); }
  void operator()(const core::DropContentKey& row) const { state.content_keys.erase(row.image); }
  void operator()(const core::PutRoot& row) const { state.root = row.root; }
  void operator()(const core::PutGatewayFloor& row) const { state.floors.insert_or_assign(row.product, row.sequence); }
  void operator()(const core::PutHistory&) const {}  // in the history, not in the state
};

}  // namespace hg::fakes
