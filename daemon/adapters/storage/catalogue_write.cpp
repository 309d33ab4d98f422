// SPDX-License-Identifier: Apache-2.0
#include "adapters/storage/catalogue_write.hpp"

#include <string_view>
#include <utility>
#include <variant>

#include "ports/catalogue.hpp"

namespace hg::storage {

Result<Writer> Writer::prepare(Database& database) {
  Writer writer;
  // An upsert and no REPLACE: that would delete the row first, and its own rows with it.
  const std::pair<Statement*, std::string_view> statements[] = {
      {&writer.child_,
       "INSERT INTO child (id, last_seen, committed, confirms_itself) VALUES (?1, ?2, ?3, ?4)"
       " ON CONFLICT (id) DO UPDATE SET last_seen = ?2, committed = ?3, confirms_itself = ?4"},
      {&writer.clear_inspection_, "DELETE FROM inspection WHERE child = ?1"},
      {&writer.inspection_,
       "INSERT INTO inspection (child, revert_class, bootloader, staging, obstacle, busy, busy_for, power, battery,"
       " identity, boots, unit, evidence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"},
      {&writer.clear_keys_, "DELETE FROM child_key WHERE child = ?1"},
      {&writer.key_,
       "INSERT INTO child_key (child, use_, kind, id, name, value, since, set_by)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
      {&writer.clear_registration_, "DELETE FROM registration WHERE child = ?1"},
      {&writer.registration_,
       "INSERT INTO registration (child, transport, address, profile, vendor, device_class, origin, by_, at)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
      {&writer.registration_target_,
       "INSERT INTO registration_target (child, position, component, number) VALUES (?1, ?2, ?3, ?4)"},
      {&writer.clear_floors_, "DELETE FROM floor WHERE child = ?1"},
      {&writer.floor_, "INSERT INTO floor (child, product, sequence) VALUES (?1, ?2, ?3)"},
      {&writer.slot_,
       "INSERT INTO slot (child, position, image, slot, version, digest, bootable, pending, confirmed, active,"
       " permanent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"},
      {&writer.clear_update_, "DELETE FROM update_ WHERE child = ?1"},
      {&writer.update_,
       "INSERT INTO update_ (child, epoch, rollout, deliverable, delivered, phase, decision, order_, orders, attempts,"
       " since, until, reason, cause, permit, backup, restore_due, restores, group_, pivot, after_commit)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"},
      {&writer.part_,
       "INSERT INTO part (child, position, number, image, before_, after_) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
      {&writer.view_, "INSERT INTO view_ (child, image, digest, key, record) VALUES (?1, ?2, ?3, ?4, ?5)"},
      {&writer.patch_, "INSERT INTO patch (child, image, position, offset_, bytes) VALUES (?1, ?2, ?3, ?4, ?5)"},
      {&writer.deliverable_,
       "INSERT INTO deliverable (id, product, sequence, version, source, sealed_at, priority)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET product = ?2, sequence = ?3, version = ?4,"
       " source = ?5, sealed_at = ?6, priority = ?7"},
      {&writer.clear_signers_, "DELETE FROM signer WHERE deliverable = ?1"},
      {&writer.signer_, "INSERT INTO signer (deliverable, position, name) VALUES (?1, ?2, ?3)"},
      {&writer.clear_images_, "DELETE FROM image WHERE deliverable = ?1"},
      {&writer.image_,
       "INSERT INTO image (deliverable, position, component, vendor, device_class, digest, size, version,"
       " running_digest, encrypted, slot, use_before, not_before, battery_mwh, authorization_, wrap, key_bits,"
       " wrap_offset, wrap_size, wrap_info)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"},
      {&writer.version_condition_,
       "INSERT INTO version_condition (deliverable, image, position, operator, version) VALUES (?1, ?2, ?3, ?4, ?5)"},
      {&writer.rollout_,
       "INSERT INTO rollout (id, deliverable, started_by, started_at, approved, forced)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
       " ON CONFLICT (id) DO UPDATE SET deliverable = ?2, started_by = ?3, started_at = ?4, approved = ?5,"
       " forced = ?6"},
      {&writer.clear_rollout_children_, "DELETE FROM rollout_child WHERE rollout = ?1"},
      {&writer.rollout_child_, "INSERT INTO rollout_child (rollout, position, child) VALUES (?1, ?2, ?3)"},
      {&writer.drop_rollout_, "DELETE FROM rollout WHERE id = ?1"},
      {&writer.group_,
       "INSERT INTO group_ (id, layout, committed, configured, reported) VALUES (?1, ?2, ?3, ?4, ?5)"
       " ON CONFLICT (id) DO UPDATE SET layout = ?2, committed = ?3, configured = ?4, reported = ?5"},
      {&writer.clear_members_, "DELETE FROM member WHERE group_ = ?1"},
      {&writer.member_, "INSERT INTO member (group_, position, role, child) VALUES (?1, ?2, ?3, ?4)"},
      {&writer.drop_group_, "DELETE FROM group_ WHERE id = ?1"},
      {&writer.announcement_, "INSERT OR REPLACE INTO announcement (url, heard) VALUES (?1, ?2)"},
      {&writer.enrollment_list_, "INSERT OR REPLACE INTO enrollment_list (name, version) VALUES (?1, ?2)"},
      {&writer.drop_announcement_, "DELETE FROM announcement WHERE url = ?1"},
      {&writer.meta_, "UPDATE meta SET last_rollout = ?1, last_epoch = ?2"},
      {&writer.last_line_, "SELECT coalesce(max(line), 0) FROM history WHERE child = ?1"},
      {&writer.history_,
       "INSERT INTO history (child, line, at, epoch, deliverable, phase, reason, cause)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
      {&writer.prune_, "DELETE FROM history WHERE child = ?1 AND line <= ?2"},
      {&writer.head_,
       "INSERT INTO head (channel, version, issued, expires) VALUES (?1, ?2, ?3, ?4)"
       " ON CONFLICT (channel) DO UPDATE SET version = ?2, issued = ?3, expires = ?4"},
      {&writer.clear_head_entries_, "DELETE FROM head_entry WHERE channel = ?1"},
      {&writer.head_entry_,
       "INSERT INTO head_entry (channel, position, product, sequence, manifest, minimum)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
      {&writer.permit_,
       "INSERT INTO permit (id, product, from_, to_, child, device_class, not_after, signers)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET product = ?2, from_ = ?3, to_ = ?4,"
       " child = ?5, device_class = ?6, not_after = ?7, signers = ?8"},
      {&writer.clear_permit_uses_, "DELETE FROM permit_use WHERE permit = ?1"},
      {&writer.permit_use_, "INSERT INTO permit_use (permit, child, epoch) VALUES (?1, ?2, ?3)"},
      {&writer.drop_permit_, "DELETE FROM permit WHERE id = ?1"},
      {&writer.grant_, "INSERT OR REPLACE INTO key_grant (image, not_after, record) VALUES (?1, ?2, ?3)"},
      {&writer.drop_grant_, "DELETE FROM key_grant WHERE image = ?1"},
      {&writer.content_key_,
       "INSERT OR REPLACE INTO content_key (image, sealed, fingerprint, plaintext, not_after)"
       " VALUES (?1, ?2, ?3, ?4, ?5)"},
      {&writer.drop_content_key_, "DELETE FROM content_key WHERE image = ?1"},
      {&writer.root_, "UPDATE trust_root SET version = ?1, record = ?2"},
      {&writer.gateway_floor_, "INSERT OR REPLACE INTO gateway_floor (product, sequence) VALUES (?1, ?2)"},
  };
  for (const auto& [statement, sql] : statements) {
    auto prepared = database.prepare(sql);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  return writer;
}

Result<void> Writer::put(const core::PutChild& row) {
  const core::Child& child = row.child;
  const std::string& id = child.enrollment.id;
  auto put = child_.run(id, stored(child.last_seen), child.committed, child.confirms_itself);
  if (!put) return put;
  if (put = put_floors(child); !put) return put;
  if (put = put_keys(child); !put) return put;
  if (put = put_registration(child); !put) return put;
  if (put = put_inspection(child); !put) return put;
  return put_update(child);
}

Result<void> Writer::put_keys(const core::Child& child) {
  const std::string& id = child.enrollment.id;
  if (auto cleared = clear_keys_.run(id); !cleared) return cleared;
  for (const auto& [use, key] : child.keys) {
    auto put = key_.run(id, core::name_of(use), core::name_of(key.kind), stored(key.id), key.name, to_hex(key.value),
                        stored(key.since), key.set_by);
    if (!put) return put;
  }
  return {};
}

Result<void> Writer::put_registration(const core::Child& child) {
  const std::string& id = child.enrollment.id;
  if (auto cleared = clear_registration_.run(id); !cleared || !child.registration) return cleared;  // and its targets
  const core::Registration& what = *child.registration;
  auto put = registration_.run(id, what.transport, what.address, what.profile, stored(what.vendor),
                               stored(what.device_class), core::name_of(what.origin), what.by, stored(what.at));
  if (!put) return put;
  std::int64_t position = 0;
  for (const auto& [component, number] : what.targets)
    if (put = registration_target_.run(id, position++, component, number); !put) return put;
  return {};
}

Result<void> Writer::put_floors(const core::Child& child) {
  const std::string& id = child.enrollment.id;
  if (auto cleared = clear_floors_.run(id); !cleared) return cleared;
  for (const auto& [product, sequence] : child.floors)
    if (auto put = floor_.run(id, product, stored(sequence)); !put) return put;
  return {};
}

/// The slots go with the old inspection.
Result<void> Writer::put_inspection(const core::Child& child) {
  const std::string& id = child.enrollment.id;
  if (auto cleared = clear_inspection_.run(id); !cleared) return cleared;
  if (!child.seen) return {};
  const core::Inspection& seen = *child.seen;
  auto inspected = inspection_.run(id, core::name_of(seen.revert_class), seen.bootloader, core::name_of(seen.staging),
                                   seen.obstacle, seen.busy, seen.busy_for.count(), core::name_of(seen.power),
                                   seen.battery_percent, seen.identity, stored(seen.boots), seen.unit,
                                   core::name_of(seen.evidence));
  if (!inspected) return inspected;
  std::int64_t position = 0;
  for (const core::Slot& slot : child.seen->slots) {
    auto put = slot_.run(id, position++, slot.image, slot.slot, slot.version, stored(slot.digest), slot.bootable,
                         slot.pending, slot.confirmed, slot.active, slot.permanent);
    if (!put) return put;
  }
  return {};
}

Result<void> Writer::put_update(const core::Child& child) {
  const std::string& id = child.enrollment.id;
  if (auto cleared = clear_update_.run(id); !cleared || !child.update) return cleared;  // and its parts
  const core::Update& update = *child.update;
  auto put = update_.run(id, stored(update.epoch), stored(update.rollout), update.deliverable,
                         stored(std::uint64_t{update.delivered}), core::name_of(update.phase),
                         core::name_of(update.decision), core::name_of(update.order), update.orders, update.attempts,
                         stored(update.since), stored(update.until), core::name_of(update.cause.reason),
                         update.cause.text, update.permit, stored(update.backup), update.restore_is_due,
                         update.restores, update.group, update.pivot, update.after_commit);
  if (!put) return put;
  std::int64_t position = 0;
  for (const core::Part& part : update.parts) {
    put = part_.run(id, position++, part.image_number, stored(part.image), stored(part.before), stored(part.after));
    if (!put) return put;
  }
  for (const auto& [image, view] : update.views)
    if (put = put_view(id, image, view); !put) return put;
  return {};
}

Result<void> Writer::put_view(const core::ChildId& child, const Digest& image, const core::View& view) {
  auto put = view_.run(child, stored(image), stored(view.digest), stored(view.key), to_hex(view.record));
  if (!put) return put;
  std::int64_t position = 0;
  for (const core::Patch& patch : view.patches)
    if (put = patch_.run(child, stored(image), position++, stored(patch.offset), to_hex(patch.bytes)); !put) return put;
  return {};
}

Result<void> Writer::put(const core::PutDeliverable& row) {
  const core::Deliverable& what = row.deliverable;
  auto put = deliverable_.run(what.id, what.product, stored(what.sequence), what.version, what.source,
                              stored(what.sealed_at), what.priority);
  if (!put) return put;
  if (auto cleared = clear_signers_.run(what.id); !cleared) return cleared;
  std::int64_t position = 0;
  for (const std::string& name : what.signers)
    if (put = signer_.run(what.id, position++, name); !put) return put;
  if (auto cleared = clear_images_.run(what.id); !cleared) return cleared;
  position = 0;
  for (const core::Image& image : what.images)
    if (put = put_image(what.id, position++, image); !put) return put;
  return {};
}

Result<void> Writer::put_image(const core::DeliverableId& id, std::int64_t position, const core::Image& image) {
  const core::Conditions& conditions = image.conditions;
  const core::Sealing sealing = image.sealing.value_or(core::Sealing{});
  const auto wrap = image.sealing ? std::optional(core::name_of(sealing.wrap)) : std::nullopt;
  auto put =
      image_.run(id, position, image.component, stored(image.vendor), stored(image.device_class), stored(image.digest),
                 stored(image.size), image.version, stored(image.running_digest), image.encrypted, stored(image.slot),
                 stored(conditions.use_before), stored(conditions.not_before), stored(conditions.minimum_battery_mwh),
                 conditions.needs_authorization, wrap, sealing.key_bits, stored(sealing.offset), sealing.size,
                 to_hex(sealing.info));
  if (!put) return put;
  std::int64_t number = 0;
  for (const VersionCondition& condition : conditions.versions) {
    put = version_condition_.run(id, position, number++, name_of(condition.op), to_text(condition.version));
    if (!put) return put;
  }
  return {};
}

Result<void> Writer::put(const core::PutRollout& row) {
  const core::Rollout& rollout = row.rollout;
  const std::int64_t id = stored(rollout.id);
  if (auto counted = meta_.run(stored(row.last_rollout), stored(row.last_epoch)); !counted) return counted;
  auto put = rollout_.run(id, rollout.deliverable, rollout.started_by, stored(rollout.started_at), rollout.approved,
                          rollout.forced);
  if (!put) return put;
  if (auto cleared = clear_rollout_children_.run(id); !cleared) return cleared;
  std::int64_t position = 0;
  for (const core::ChildId& child : rollout.children)
    if (put = rollout_child_.run(id, position++, child); !put) return put;
  return {};
}

Result<void> Writer::put(const core::PutGroup& row) {
  const core::Group& group = row.group;
  auto put = group_.run(group.id, group.layout, group.committed, group.is_configured, group.is_reported);
  if (!put) return put;
  if (auto cleared = clear_members_.run(group.id); !cleared) return cleared;
  std::int64_t position = 0;
  for (const core::Member& member : group.members)
    if (put = member_.run(group.id, position++, member.role, member.child); !put) return put;
  return {};
}

Result<void> Writer::put(const core::PutHistory& row) {
  last_line_.bind(row.child);
  const auto found = last_line_.next();
  if (!found) return found.error();
  const std::int64_t line = last_line_.integer(0) + 1;
  last_line_.reset();
  auto put = history_.run(row.child, line, stored(row.at), stored(row.epoch), row.deliverable, core::name_of(row.phase),
                          core::name_of(row.cause.reason), row.cause.text);
  if (!put) return put;
  return prune_.run(row.child, line - std::int64_t{ports::Catalogue::kHistoryPerChild});
}

Result<void> Writer::put(const core::PutHead& row) {
  const core::Head& head = row.head;
  auto put = head_.run(head.channel, stored(head.version), stored(head.issued), stored(head.expires));
  if (!put) return put;
  if (auto cleared = clear_head_entries_.run(head.channel); !cleared) return cleared;
  std::int64_t position = 0;
  for (const core::HeadEntry& entry : head.entries) {
    put = head_entry_.run(head.channel, position++, entry.product, stored(entry.sequence), entry.manifest,
                          stored(entry.minimum));
    if (!put) return put;
  }
  return {};
}

Result<void> Writer::put(const core::PutPermit& row) {
  const core::Permit& permit = row.permit;
  permit_.bind(permit.id, permit.product, stored(permit.from), stored(permit.to));
  if (const auto* child = std::get_if<core::ChildId>(&permit.whom)) {
    permit_.bind(*child, nullptr);
  } else {
    permit_.bind(nullptr, stored(std::get<core::Uuid>(permit.whom)));
  }
  auto put = permit_.run(stored(permit.not_after), permit.signers);
  if (!put) return put;
  if (auto cleared = clear_permit_uses_.run(permit.id); !cleared) return cleared;
  for (const auto& [child, epoch] : permit.uses)
    if (put = permit_use_.run(permit.id, child, stored(epoch)); !put) return put;
  return {};
}

Result<void> Writer::put(const core::PutGrant& row) {
  return grant_.run(stored(row.grant.image), stored(row.grant.not_after), to_hex(row.grant.record));
}

Result<void> Writer::put(const core::PutContentKey& row) {
  const core::ContentKey& key = row.key;
  return content_key_.run(stored(key.image), to_hex(key.sealed), stored(key.fingerprint), stored(key.plaintext),
                          stored(key.not_after));
}

}  // namespace hg::storage
