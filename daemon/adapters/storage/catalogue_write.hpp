// SPDX-License-Identifier: Apache-2.0
// The prepared statements that write core's rows into the catalogue's tables. One put() for each kind of change, run
// inside a transaction that SqliteCatalogue owns. Reading back is catalogue_load's.
#pragma once

#include "adapters/storage/database.hpp"
#include "adapters/storage/row.hpp"
#include "core/engine.hpp"

namespace hg::storage {

class Writer {
 public:
  /// `database` outlives the writer.
  static Result<Writer> prepare(Database& database);

  Result<void> put(const core::PutChild& row);
  Result<void> put(const core::PutDeliverable& row);
  Result<void> put(const core::PutRollout& row);
  Result<void> put(const core::DropRollout& row) { return drop_rollout_.run(stored(row.rollout)); }
  Result<void> put(const core::PutGroup& row);
  Result<void> put(const core::DropGroup& row) { return drop_group_.run(row.group); }
  Result<void> put(const core::PutAnnouncement& row) { return announcement_.run(row.url, stored(row.at)); }
  Result<void> put(const core::DropAnnouncement& row) { return drop_announcement_.run(row.url); }
  Result<void> put(const core::PutHistory& row);
  Result<void> put(const core::PutHead& row);
  Result<void> put(const core::PutPermit& row);
  Result<void> put(const core::DropPermit& row) { return drop_permit_.run(row.permit); }
  Result<void> put(const core::PutGrant& row);
  Result<void> put(const core::DropGrant& row) { return drop_grant_.run(stored(row.image)); }
  Result<void> put(const core::PutEnrollmentList& row) { return enrollment_list_.run(row.name, stored(row.version)); }
  Result<void> put(const core::PutContentKey& row);
  Result<void> put(const core::DropContentKey& row) { return drop_content_key_.run(stored(row.image)); }
  Result<void> put(const core::PutRoot& row) { return root_.run(stored(row.root.version), to_hex(row.root.record)); }
  Result<void> put(const core::PutGatewayFloor& row) { return gateway_floor_.run(row.product, stored(row.sequence)); }

 private:
  Result<void> put_floors(const core::Child& child);
  Result<void> put_keys(const core::Child& child);
  Result<void> put_registration(const core::Child& child);
  Result<void> put_view(const core::ChildId& child, const Digest& image, const core::View& view);
  Result<void> put_inspection(const core::Child& child);
  Result<void> put_update(const core::Child& child);
  Result<void> put_image(const core::DeliverableId& id, std::int64_t position, const core::Image& image);

  Statement child_, clear_keys_, key_, clear_registration_, registration_, registration_target_, view_, patch_,
      clear_floors_, floor_, clear_inspection_, inspection_, slot_, clear_update_, update_, part_, deliverable_,
      clear_signers_, signer_, clear_images_, image_, version_condition_, rollout_, clear_rollout_children_,
      rollout_child_, drop_rollout_, group_, clear_members_, member_, drop_group_, announcement_, drop_announcement_,
      enrollment_list_, meta_, last_line_, history_, prune_, head_, clear_head_entries_, head_entry_, permit_,
      clear_permit_uses_, permit_use_, drop_permit_, grant_, drop_grant_, content_key_, drop_content_key_, root_,
      gateway_floor_;
};

}  // namespace hg::storage
